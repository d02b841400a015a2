import { collectInOneGo, startServer } from '@simplemq/server';

// As the command 'simplemq serve' does.
collectInOneGo();

const server = await startServer({
  host: '127.0.0.1',
  port: 0,
  storage: { path: process.argv[2]! },
  logs: { level: 'warn' },
});
const close = (): void => void server.close().then(() => process.exit(0));
process.once('SIGTERM', close);
// It does not outlive its parent.
process.once('disconnect', close);
process.send!({ type: 'listening', port: server.port });
