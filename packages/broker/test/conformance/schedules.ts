import { describe, expect, test } from 'vitest';
import { batchOf } from '../batches.ts';
import { RecordingFollower } from '../recording-follower.ts';
import { readAll } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { pass } from './waiting.ts';

const bind = { stream: 's' };
const EVERY_SECOND = '* * * * * *';
/** The first of January: not while a test runs, or nearly never. */
const ONCE_A_YEAR = '0 0 1 1 *';

export function schedules({ open, survives }: EngineKind): void {
  describe('a schedule', () => {
    test('publishes its message time and again', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100 });
      const record = { body: 'tick', key: 'k', headers: { a: '1' } };
      const from = Date.now();
      const saved = await engine.saveSchedule({
        name: 'clock',
        stream: 's',
        cron: EVERY_SECOND,
        batch: batchOf(record),
      });
      expect(saved).toMatchObject({
        name: 'clock',
        stream: 's',
        cron: EVERY_SECOND,
        timezone: 'UTC',
        paused: false,
      });
      expect(saved.nextAt! % 1_000).toBe(0);
      expect(saved).not.toHaveProperty('lastAt');
      await follower.until(2);
      // Two whole seconds began since then, the second of them a second after the first.
      expect(Date.now() - from).toBeGreaterThanOrEqual(1_000);
      expect(follower.deliveries[1]).toMatchObject({
        body: 'tick',
        attributes: { key: 'k', headers: { a: '1' } },
      });
      const [listed] = await engine.listSchedules();
      expect(listed!.lastAt).toBeGreaterThanOrEqual(saved.nextAt!);
      expect(listed!.nextAt).toBeGreaterThan(listed!.lastAt!);
    });

    test('that is paused does not, and goes on when it is resumed', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await opened.engine.saveSchedule({
        name: 'clock',
        stream: 's',
        cron: EVERY_SECOND,
        batch: batchOf('tick'),
      });
      const paused = await opened.engine.pauseSchedule('clock', true);
      expect(paused).toMatchObject({ paused: true });
      expect(paused).not.toHaveProperty('nextAt');
      const { messages } = await opened.engine.streamInfo('s');
      if (survives) await opened.restart();
      const { engine } = opened;
      await pass(1_100);
      expect(await engine.streamInfo('s')).toMatchObject({ messages });
      expect(await engine.listSchedules()).toMatchObject([{ name: 'clock', paused: true }]);
      const resumedFrom = Date.now();
      const resumed = await engine.pauseSchedule('clock', false);
      expect(resumed.nextAt).toBeGreaterThan(resumedFrom);
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100 });
      // Only with the times to come: what passed in between is not made up for.
      await follower.until(messages + 1);
    });

    test('that is deleted does not, and may be made anew', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      const request = { name: 'clock', stream: 's', cron: EVERY_SECOND, batch: batchOf('tick') };
      await opened.engine.saveSchedule(request);
      await opened.engine.deleteSchedule('clock');
      const { messages } = await opened.engine.streamInfo('s');
      if (survives) await opened.restart();
      const { engine } = opened;
      await pass(1_100);
      expect(await engine.streamInfo('s')).toMatchObject({ messages });
      expect(await engine.listSchedules()).toEqual([]);
      const missing = { code: 'ScheduleNotFound', details: { schedule: 'clock' } };
      await expect(engine.deleteSchedule('clock')).rejects.toMatchObject(missing);
      await expect(engine.pauseSchedule('clock', true)).rejects.toMatchObject(missing);
      await engine.saveSchedule(request);
      expect(await engine.listSchedules()).toHaveLength(1);
    });

    test('that is saved again is another from then on', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      await engine.createStream('t', {});
      const request = { name: 'clock', stream: 's', cron: ONCE_A_YEAR, batch: batchOf('old') };
      await engine.saveSchedule(request);
      const changed = { ...request, stream: 't', cron: EVERY_SECOND, batch: batchOf('new') };
      expect(await engine.saveSchedule(changed)).toMatchObject({ stream: 't', cron: EVERY_SECOND });
      const follower = await RecordingFollower.follow(engine, { pattern: '^[st]$' }, { credit: 10 });
      await follower.until(1);
      expect(follower.deliveries[0]).toMatchObject({ stream: 't', body: 'new' });
      expect(await engine.listSchedules()).toHaveLength(1);
    });

    test('goes by its time zone', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const save = (name: string, timezone?: string) =>
        engine.saveSchedule({
          name,
          stream: 's',
          cron: '30 12 15 7 *',
          batch: batchOf('x'),
          ...(timezone !== undefined && { timezone }),
        });
      const utc = new Date((await save('utc')).nextAt!);
      expect([utc.getUTCMonth(), utc.getUTCDate(), utc.getUTCHours(), utc.getUTCMinutes()]).toEqual([
        6, 15, 12, 30,
      ]);
      const tokyo = await save('tokyo', 'Asia/Tokyo');
      expect(new Date(tokyo.nextAt!).getUTCHours()).toBe(3);
      expect(tokyo.timezone).toBe('Asia/Tokyo');
      expect((await engine.listSchedules()).map(({ name }) => name)).toEqual(['tokyo', 'utc']);
    });

    test('that cannot be is refused', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const request = { name: 'clock', stream: 's', cron: EVERY_SECOND, batch: batchOf('x') };
      const cron = { code: 'InvalidOption', details: { option: 'cron' } };
      for (const wrong of ['', 'every day', '61 * * * *', '* * *']) {
        await expect(engine.saveSchedule({ ...request, cron: wrong })).rejects.toMatchObject(cron);
      }
      await expect(engine.saveSchedule({ ...request, timezone: 'Mars/Base' })).rejects.toMatchObject({
        code: 'InvalidOption',
      });
      await expect(engine.saveSchedule({ ...request, stream: 'none' })).rejects.toMatchObject({
        code: 'StreamNotFound',
      });
      await expect(engine.saveSchedule({ ...request, name: '' })).rejects.toMatchObject({
        code: 'InvalidName',
      });
      await expect(engine.saveSchedule({ ...request, batch: batchOf('x', 'y') })).rejects.toMatchObject({
        code: 'InvalidOption',
      });
      expect(await engine.listSchedules()).toEqual([]);
    });

    test('survives a restart with its message, and makes up for the times that it missed with one', async () => {
      if (!survives) return;
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await opened.engine.saveSchedule({
        name: 'clock',
        stream: 's',
        cron: EVERY_SECOND,
        batch: batchOf({ body: 'tick', headers: { a: '1' } }),
      });
      await opened.engine.saveSchedule({ name: 'rare', stream: 's', cron: ONCE_A_YEAR, batch: batchOf('x') });
      const before = (await opened.engine.listSchedules()).find(({ name }) => name === 'rare');
      let missedFrom = 0;
      let missedUntil = 0;
      await opened.restart(async () => {
        missedFrom = Date.now();
        await pass(2_200);
        missedUntil = Date.now();
      });
      const { engine } = opened;
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100 });
      const published = (await readAll(engine, 's')).length;
      await follower.until(published + 1);
      expect(follower.deliveries.at(-1)).toMatchObject({ body: 'tick', attributes: { headers: { a: '1' } } });
      const times = follower.runs.flatMap(({ time, count }) => Array.from({ length: count }, () => time));
      const since = times.filter((time) => time >= missedFrom);
      const seconds = Math.floor(Date.now() / 1_000) - Math.floor(missedUntil / 1_000);
      // One for each second that began after it, and one for the two or three that were missed.
      expect(since.length).toBeLessThanOrEqual(seconds + 1);
      expect((await engine.listSchedules()).find(({ name }) => name === 'rare')).toEqual(before);
    });

    test('goes with its stream', async () => {
      await using opened = await open();
      await opened.engine.createStream('s', {});
      await opened.engine.createStream('t', {});
      for (const stream of ['s', 't']) {
        await opened.engine.saveSchedule({ name: stream, stream, cron: EVERY_SECOND, batch: batchOf('x') });
      }
      await opened.engine.deleteStream('s');
      await opened.engine.createStream('s', {});
      if (survives) await opened.restart();
      const { engine } = opened;
      expect((await engine.listSchedules()).map(({ name }) => name)).toEqual(['t']);
      const follower = await RecordingFollower.follow(engine, { stream: 't' }, { credit: 10 });
      await follower.until(1);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 0 });
    });

    test('leaves out the times at which its stream is full', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', { maxMessages: 1 });
      const follower = await RecordingFollower.follow(engine, bind, { credit: 10 });
      await engine.saveSchedule({ name: 'clock', stream: 's', cron: EVERY_SECOND, batch: batchOf('x') });
      await follower.until(1);
      await pass(1_200);
      expect(await engine.streamInfo('s')).toMatchObject({ messages: 1 });
      await follower.ack(...follower.deliveries);
      await follower.until(2);
      expect(follower.sequences).toEqual([1, 2]);
    });

    test('may have a priority, a message id and a delay as any message', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', {});
      const save = (name: string, record: object) =>
        engine.saveSchedule({
          name,
          stream: 's',
          cron: EVERY_SECOND,
          batch: batchOf({ body: name, ...record }),
        });
      await save('urgent', { priority: 3 });
      await save('once', { messageId: 'one' });
      await save('later', { delayMs: 100 });
      const follower = await RecordingFollower.follow(engine, bind, { credit: 100 });
      for (let count = 1; follower.bodies.filter((body) => body === 'later').length < 2; count++) {
        await follower.until(count);
      }
      expect(follower.bodies.filter((body) => body === 'once')).toHaveLength(1);
      expect(follower.deliveries.find(({ body }) => body === 'urgent')?.attributes.priority).toBe(3);
    });
  });
}
