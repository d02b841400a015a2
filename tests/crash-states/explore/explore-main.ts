import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../fuzz/random.ts';
import { loadBroker } from '../check/in-thread-store.ts';
import { readOperations } from '../trace/operations.ts';
import type { ExploreOrder, ExploreReport } from './explore.ts';
import { Explorer } from './explorer.ts';
import { Recoveries } from './recoveries.ts';

// Looks at states of a log, for explore.ts: its argument is the order, as JSON; what it has done so far, and in the end
// what it found, it tells its parent.
const order = JSON.parse(process.argv[2]!) as ExploreOrder;
const REPORT_MS = 250;
const { source, library, folder } = order;
await using recoveries = new Recoveries({
  source,
  library,
  folder: join(realpathSync(folder), 'recoveries'),
});
let reportedAt = performance.now();
const explorer = new Explorer({
  operations: readOperations(readFileSync(order.log)),
  open: await loadBroker(source),
  folder: join(folder, 'states'),
  keep: order.keep,
  random: new Random(order.seed),
  recoveries,
  recoveryEvery: order.recoveryEvery,
  foundMax: order.foundMax,
  onState: (counts) => {
    if (performance.now() - reportedAt < REPORT_MS) return;
    reportedAt = performance.now();
    process.send?.({ counts, found: [], isDone: false } satisfies ExploreReport);
  },
});
// Timers of an engine do not keep a process alive.
const alive = setInterval(() => {}, 1_000);
await explorer.run(order.states);
clearInterval(alive);
process.send?.({ counts: explorer.counts, found: explorer.found, isDone: true } satisfies ExploreReport);
process.disconnect?.();
