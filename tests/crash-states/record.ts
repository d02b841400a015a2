import { mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { TracedBroker } from './broker/traced-broker.ts';
import { buildShim } from './shim/build-shim.ts';
import { readOperations } from './trace/operations.ts';
import { checkComplete } from './trace/trace.ts';
import { runWorkload, type WorkloadSize } from './workload.ts';

export interface Recording {
  readonly library: string;
  readonly log: string;
  readonly operations: number;
}

export interface RecordOptions {
  /** Of the broker. */
  readonly source: string;
  /** Where all that it makes is put. */
  readonly folder: string;
  readonly size: WorkloadSize;
  readonly seed: number;
}

/** Has a broker work, and writes down all that it does; checks that nothing is missing. */
export async function record({ source, folder, size, seed }: RecordOptions): Promise<Recording> {
  const library = buildShim(folder);
  const root = join(realpathSync(folder), 'root');
  mkdirSync(root);
  const log = join(folder, 'log');
  {
    await using broker = new TracedBroker(source, { library, root, log });
    await runWorkload(broker, size, seed);
  }
  const operations = readOperations(readFileSync(log));
  checkComplete(operations, root);
  return { library, log, operations: operations.length };
}
