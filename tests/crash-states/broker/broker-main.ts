import { pathToFileURL } from 'node:url';
import { startServer } from '@simplemq/server';

// A broker of the sources that its first argument names, on the folder that its second does, for traced-broker.ts. It
// tells its port in the first line of its standard output, closes on SIGTERM, and kills itself on SIGUSR2: then the log of
// its operations has all of them.
const [source, path] = process.argv.slice(2) as [string, string];
const { openEngine } = (await import(
  pathToFileURL(`${source}/index.ts`).href
)) as typeof import('@simplemq/broker');
process.on('SIGUSR2', () => process.kill(process.pid, 'SIGKILL'));
const engine = await openEngine({ storage: { path } });
const server = await startServer({ port: Number(process.argv[4]), engine, logs: { level: 'warn' } });
process.stdout.write(`${JSON.stringify({ port: server.port })}\n`);
process.once('SIGTERM', () => void server.close());
const { error } = await server.ended;
process.exit(error === undefined ? 0 : 1);
