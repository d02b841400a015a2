import { mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { TracedBroker } from './broker/traced-broker.ts';
import { buildShim } from './shim/build-shim.ts';
import { type Operation, readOperations } from './trace/operations.ts';
import { checkComplete } from './trace/trace.ts';

export interface Recording {
  readonly library: string;
  readonly log: string;
  readonly operations: readonly Operation[];
}

export interface RecordOptions {
  /** Of the broker. */
  readonly source: string;
  /** Where all that it makes is put. */
  readonly folder: string;
  /** Starts the broker, has it work, and ends it. */
  readonly workload: (broker: TracedBroker) => Promise<void>;
}

/** Has a broker work, and writes down all that it does; checks that nothing is missing. */
export async function record({ source, folder, workload }: RecordOptions): Promise<Recording> {
  const library = buildShim(folder);
  const root = join(realpathSync(folder), 'root');
  mkdirSync(root);
  const log = join(folder, 'log');
  {
    await using broker = new TracedBroker(source, { library, root, log });
    await workload(broker);
  }
  const operations = readOperations(readFileSync(log));
  checkComplete(operations, root);
  return { library, log, operations };
}
