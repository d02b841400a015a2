import { collectInOneGo, type ServerOptions, startServer } from '@simplemq/server';

// A broker as a process of its own, for spawn-broker.ts: its argument is the options, as JSON; it tells its port in the
// first line of its standard output, and closes on SIGTERM. It collects its garbage as the command 'simplemq serve' does.
collectInOneGo();
try {
  const server = await startServer(JSON.parse(process.argv[2] ?? '{}') as ServerOptions);
  process.stdout.write(`${JSON.stringify({ port: server.port })}\n`);
  // Ctrl-C in a terminal is for whoever started it.
  process.on('SIGINT', () => {});
  process.once('SIGTERM', () => void server.close());
  process.on('SIGHUP', () => void server.reload().catch(() => {}));
  const { error } = await server.ended;
  process.exit(error === undefined ? 0 : 1);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
