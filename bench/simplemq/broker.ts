import { startServer } from '@simplemq/server';

const server = await startServer({
  host: '127.0.0.1',
  port: 0,
  storage: { path: process.argv[2]! },
  logs: { level: 'warn' },
});
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)));
process.send!({ type: 'listening', port: server.port });
