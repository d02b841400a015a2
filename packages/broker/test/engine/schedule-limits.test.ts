import { encodeBatchHead, type RecordBatch } from '@simplemq/protocol';
import { expect, test } from 'vitest';
import { Schedules } from '../../src/schedule/schedules.ts';
import { batchOf } from '../batches.ts';
import { openTestEngine } from '../test-engine.ts';

const ONCE_A_YEAR = '0 0 1 1 *';
const KIB = 1024;

test('a schedule with a large message, or a long cron expression or time zone, is refused', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  await engine.createStream('s', {});
  const request = { name: 'n', stream: 's', cron: ONCE_A_YEAR, batch: batchOf('x') };
  const large = batchOf('x'.repeat(256 * KIB));
  await expect(engine.saveSchedule({ ...request, batch: large })).rejects.toMatchObject({
    code: 'MessageTooLarge',
  });
  const list = Array.from({ length: 500_000 }, () => '*').join(',');
  await expect(engine.saveSchedule({ ...request, cron: `${list} * * * *` })).rejects.toMatchObject({
    code: 'InvalidOption',
    details: { option: 'cron' },
    message: expect.stringMatching(/^.{1,200}$/),
  });
  const timezone = 'x'.repeat(1_000_000);
  await expect(engine.saveSchedule({ ...request, timezone })).rejects.toMatchObject({
    code: 'InvalidOption',
    details: { option: 'timezone' },
    message: expect.stringMatching(/^.{1,200}$/),
  });
  expect(await engine.listSchedules()).toEqual([]);
});

test('schedules have so many bytes of messages together and no more; smaller ones make room', async () => {
  await using broker = await openTestEngine('memory');
  const { engine } = broker;
  await engine.createStream('s', {});
  const save = (name: string, bytes: number) =>
    engine.saveSchedule({ name, stream: 's', cron: ONCE_A_YEAR, batch: batchOf('x'.repeat(bytes)) });
  const bytes = 256 * KIB - 64;
  for (let i = 0; i < 256; i++) await save(`n${i}`, bytes);
  await expect(save('more', bytes)).rejects.toMatchObject({ code: 'InvalidOption' });
  // One that is there may be saved again, and its bytes count once.
  await save('n0', bytes);
  await save('n0', 10);
  await save('more', bytes);
  await expect(save('n0', bytes)).rejects.toMatchObject({ code: 'InvalidOption' });
  await engine.deleteSchedule('more');
  await save('n0', bytes);
});

test('a schedule that was stored when it could be larger is there after a start', () => {
  const batch = batchOf('x'.repeat(1024 * KIB));
  const schedules = new Schedules({
    stored: [
      {
        name: 'large',
        stream: 's',
        definition: { cron: `${Array(200).fill('1').join(',')} * * * *`, timezone: 'UTC', paused: true },
        data: bytesOf(batch),
        nextAt: Number.MAX_SAFE_INTEGER,
      },
    ],
    committer: undefined as never,
    placer: undefined as never,
    find: () => undefined,
  });
  expect(schedules.list()).toMatchObject([{ name: 'large', paused: true }]);
  schedules.close();
});

function bytesOf(batch: RecordBatch): Uint8Array {
  return Buffer.concat([
    encodeBatchHead(batch.count, batch.flags, batch.shared, batch.records),
    batch.records,
  ]);
}
