import { join } from 'node:path';
import { Bind, Connection, Publisher } from '@simplemq/client';
import { temporaryFolder } from '@simplemq/testkit';
import { expect, test } from 'vitest';
import { Random } from '../fuzz/random.ts';
import { CAN_BUILD_SHIMS } from '../shims/can-build.ts';
import { OWN_SOURCE } from './broker/broker-source.ts';
import { DATA_FOLDER, type TracedBroker } from './broker/traced-broker.ts';
import { checkState } from './check/check-state.ts';
import { loadBroker } from './check/in-thread-store.ts';
import { Disk } from './disk/disk.ts';
import { killProcess, loseUnsynced, type PowerCut } from './disk/power-cut.ts';
import { StateFolder } from './disk/state-folder.ts';
import { Recoveries } from './explore/recoveries.ts';
import { type Recording, record } from './record.ts';
import { bodyOf } from './trace/body.ts';
import { Knowledge } from './trace/knowledge.ts';
import type { Operation } from './trace/operations.ts';

const STREAM = 'first';

// What crash states have found, each at the moment at which it shows.

test.runIf(CAN_BUILD_SHIMS)(
  'a message that was confirmed in a new data folder is there after a power cut',
  async () => {
    await using folder = await temporaryFolder();
    const { operations } = await recordFirst(folder.path);
    const confirmed = operations.findLastIndex(({ kind }) => kind === 'send');
    const { disk, knowledge } = at(operations, confirmed);
    const layout = new StateFolder(join(folder.path, 'states'));
    expect(knowledge.confirms).toBeGreaterThan(0);
    expect(await violationsOf(loseUnsynced(disk), layout, knowledge)).toEqual([]);
  },
);

test.runIf(CAN_BUILD_SHIMS)(
  'a broker that was killed while it wrote, and started, starts again after a power cut with all it said',
  async () => {
    await using folder = await temporaryFolder();
    const { operations, library } = await recordFirst(folder.path);
    // The last commit is written and not synced.
    const written = operations.findLastIndex(({ kind }) => kind === 'syncEnd') - 1;
    const { disk, knowledge } = at(operations, written);
    const layout = new StateFolder(join(folder.path, 'states'));
    await using recoveries = new Recoveries({
      source: OWN_SOURCE,
      library,
      folder: join(folder.path, 'recoveries'),
    });
    const { steps } = await recoveries.recover(layout.lay(killProcess(disk)));
    layout.restore();
    const after = disk.clone();
    const again = new StateFolder(join(folder.path, 'states-after'));
    let confirmed = 0;
    for (const step of steps) {
      if ('operation' in step) {
        after.apply(step.operation);
        continue;
      }
      const { id, stream, sequence } = step.mark;
      knowledge.added.set(id, { stream, sequence });
      if (sequence === undefined) continue;
      confirmed++;
      expect(await violationsOf(loseUnsynced(after), again, knowledge)).toEqual([]);
    }
    expect(confirmed).toBeGreaterThan(0);
  },
);

/** A broker on a new folder that confirms a few messages, one after the other, and is killed. */
async function recordFirst(folder: string): Promise<Recording> {
  return record({ source: OWN_SOURCE, folder, workload: publishSome });
}

async function publishSome(broker: TracedBroker): Promise<void> {
  await broker.start();
  const connection = new Connection({ host: '127.0.0.1', port: broker.port });
  await connection.cursor().createStream(STREAM, { dedupWindowMs: 24 * 60 * 60 * 1000 });
  const publisher = new Publisher<Uint8Array>(connection, new Bind(STREAM));
  for (let number = 1; number <= 3; number++) await publisher.sendMessage(bodyOf(`m${number}`, 100));
  await connection.close();
  await broker.die();
}

function at(operations: readonly Operation[], last: number): { disk: Disk; knowledge: Knowledge } {
  const disk = new Disk();
  const knowledge = new Knowledge();
  for (const operation of operations.slice(0, last + 1)) {
    disk.apply(operation);
    knowledge.apply(operation);
  }
  return { disk, knowledge };
}

async function violationsOf(cut: PowerCut, layout: StateFolder, knowledge: Knowledge): Promise<unknown[]> {
  const open = await loadBroker(OWN_SOURCE);
  const violations = await checkState(join(layout.lay(cut), DATA_FOLDER), open, knowledge, new Random(1));
  layout.restore();
  return violations;
}
