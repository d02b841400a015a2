import { FactLog } from '../history/fact-log.ts';
import type { LoadOptions } from './load-options.ts';
import { publishUntil } from './publishers.ts';
import { workUntil } from './workers.ts';

// A process of publishers or of workers: its argument is the options, as JSON. It ends in good order when its parent
// sends a message or goes away.
const options = JSON.parse(process.argv[2] ?? '{}') as LoadOptions;
const stop = new AbortController();
process.once('message', () => stop.abort());
process.once('disconnect', () => stop.abort());
// Ctrl-C in a terminal is for the parent.
process.on('SIGINT', () => {});
const log = new FactLog(options.facts);
process.send?.('up');
await (options.role === 'publishers' ? publishUntil : workUntil)(stop.signal, options, log);
if (process.connected) process.disconnect();
