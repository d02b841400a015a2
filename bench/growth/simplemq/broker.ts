import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { collectInOneGo, startServer } from '@simplemq/server';
import { LIMITS } from '../limits.ts';

// As the command 'simplemq serve' does.
collectInOneGo();

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
// Who looks at its memory asks for a collection before; see memory.ts.
process.on('SIGUSR2', () => collect());

const server = await startServer({
  host: '127.0.0.1',
  port: 0,
  storage: { path: process.argv[2]! },
  limits: LIMITS,
  logs: { level: 'warn' },
});
const close = (): void => void server.close().then(() => process.exit(0));
process.once('SIGTERM', close);
// It does not outlive its parent.
process.once('disconnect', close);
process.send!({ type: 'listening', port: server.port });
