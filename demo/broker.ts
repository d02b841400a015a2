import { startServer } from '@simplemq/server';
import { ChildLink } from './child-link.ts';
import type { BrokerArguments, BrokerMessage } from './messages.ts';

// The broker, as a process of its own: `SIGKILL` ends it at once, whatever it is doing.
const link = new ChildLink<BrokerArguments, BrokerMessage>();
const { port, path } = link.arguments;
const server = await startServer({ port, storage: { path }, logs: { level: 'error' } });
link.send({ kind: 'listening', port: server.port });
link.every(500, () => link.send({ kind: 'memory', bytes: process.memoryUsage().rss }));

link.onStop(() => void server.close());
const { error } = await server.ended;
if (error !== undefined) throw error;
