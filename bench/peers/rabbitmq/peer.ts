import type { Durability, Peer } from '../peer.ts';
import type { QueueType } from './names.ts';
import { findRabbitMq, startRabbitMq } from './server.ts';

type ClientName = 'amqplib' | 'rabbitmq-client';

const CONFIRM: Readonly<Record<QueueType, { durability: Durability; confirm: string }>> = {
  classic: { durability: 'synced', confirm: 'after an fsync (3.10; newer versions may not)' },
  quorum: { durability: 'synced', confirm: 'after an fsync of its log, by a majority: here of one' },
};

function rabbitmq(queueType: QueueType, client: ClientName): Peer {
  const requests = 'direct reply-to: neither request nor reply is synced';
  return {
    id: `rabbitmq-${queueType}-${client === 'amqplib' ? 'amqplib' : 'client'}`,
    name: `RabbitMQ, ${queueType} queue, ${client}`,
    ...CONFIRM[queueType],
    client: new URL(`./${client}.ts`, import.meta.url),
    clientOptions: { queueType },
    lacks: {
      jobs: 'delays only by a plug-in, or a queue for each delay',
      ...(queueType === 'quorum' && {
        'regex-publish': 'each queue is a Raft group; ten thousand are more than it is meant for',
        'regex-follow': 'each queue is a Raft group; a thousand are more than it is meant for',
      }),
    },
    notes: {
      'regex-publish': 'one publish to an exchange that ten queues are bound to; it has no regex',
      'regex-follow': 'a consumer on each of the queues',
      'fan-out': 'a fanout exchange, a queue for each group',
      'request-one': requests,
      'request-many': requests,
    },
    find: findRabbitMq,
    start: startRabbitMq,
  };
}

export const RABBITMQ: readonly Peer[] = [
  rabbitmq('classic', 'amqplib'),
  rabbitmq('classic', 'rabbitmq-client'),
  rabbitmq('quorum', 'amqplib'),
  rabbitmq('quorum', 'rabbitmq-client'),
];
