import { BEANSTALKD } from './beanstalkd/peer.ts';
import { BULLMQ } from './bullmq/peer.ts';
import { NATS } from './nats/peer.ts';
import type { Peer } from './peer.ts';
import { RABBITMQ } from './rabbitmq/peer.ts';
import { REDIS } from './redis/peer.ts';
import { SIMPLEMQ } from './simplemq/peer.ts';

/** SimpleMQ comes first; a new peer is a folder and a line here. */
export const PEERS: readonly Peer[] = [SIMPLEMQ, ...REDIS, ...NATS, ...RABBITMQ, ...BEANSTALKD, ...BULLMQ];
