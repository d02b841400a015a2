import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DATA_FOLDER } from '../broker/traced-broker.ts';
import { batchOf } from '../check/check-state.ts';
import { loadBroker, type OpenedBroker } from '../check/in-thread-store.ts';
import { MARKS, type Mark } from '../trace/recoveries.ts';

// For recoveries.ts: opens a broker on each folder that it is told on its standard input, publishes a message to each
// stream, and closes it. What it publishes and is told it writes into a file beside the data folder: in the log that is in
// order with all that it does.
const open = await loadBroker(process.argv[2]!);
// Timers of an engine do not keep a process alive.
const alive = setInterval(() => {}, 1_000);
let states = 0;
for await (const folder of createInterface({ input: process.stdin })) {
  states++;
  let broker: OpenedBroker | undefined;
  try {
    broker = await open(join(folder, DATA_FOLDER));
  } catch {
    // Whether it opens is seen where the state itself is looked at.
  }
  if (broker !== undefined) await goOn(broker, folder);
  process.stdout.write(`${folder}\n`);
}
clearInterval(alive);

async function goOn({ engine, storage, close }: OpenedBroker, folder: string): Promise<void> {
  const mark = (entry: Mark): void => appendFileSync(join(folder, MARKS), `${JSON.stringify(entry)}\n`);
  const { streams } = await engine.listStreams({});
  const published = streams.filter(({ name }) => !name.startsWith('$'));
  for (const [index, { name: stream }] of published.entries()) {
    const id = `r${states}-${index}`;
    mark({ id, stream });
    const receipt = await engine.publish({ bind: { stream }, batch: batchOf(id) });
    mark({ id, stream, sequence: receipt.streams[0]!.first });
    if (index % 2 === 0) storage.checkpoint('PASSIVE');
  }
  await close(states % 2 === 0 ? 'stop' : 'leave');
}
