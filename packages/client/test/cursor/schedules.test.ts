import { readRecord } from '@simplemq/protocol';
import { describe, expect, it } from 'vitest';
import { Connection, json } from '../../src/index.ts';
import { FakeBroker } from '../fake-broker.ts';
import { attributesOf } from '../stored-message.ts';

describe('Cursor, of schedules', () => {
  it('saves, lists, pauses, resumes and deletes them', async () => {
    await using broker = await FakeBroker.start();
    await using connection = new Connection({ port: broker.port });
    const cursor = connection.cursor();
    const definition = { stream: 'q', cron: '0 6 * * 1-5', body: { report: 'sales' } };
    const saved = await cursor.saveSchedule('report', {
      ...definition,
      timezone: 'Europe/Vienna',
      headers: { h: 'x' },
      key: 'k',
      priority: 'high',
      codec: json,
    });
    const expected = { name: 'report', stream: 'q', cron: '0 6 * * 1-5', timezone: 'Europe/Vienna' };
    const nextAt = new Date(86_400_000);
    expect(saved).toEqual({ ...expected, paused: false, nextAt });
    const { batch } = broker.management.schedules.get('report')!;
    expect(attributesOf({ record: batch.records, shared: batch.shared })).toEqual({
      headers: { h: 'x' },
      key: 'k',
      priority: 2,
    });
    expect(readRecord(batch.records, 0).body.toString()).toBe('{"report":"sales"}');
    await cursor.saveSchedule('other', definition);
    expect((await cursor.listSchedules()).map(({ name }) => name)).toEqual(['report', 'other']);
    expect(await cursor.pauseSchedule('report')).toEqual({ ...expected, paused: true });
    expect(await cursor.resumeSchedule('report')).toEqual({ ...expected, paused: false, nextAt });
    await cursor.deleteSchedule('report');
    await expect(cursor.pauseSchedule('report')).rejects.toMatchObject({ code: 'ScheduleNotFound' });
    await expect(cursor.deleteSchedule('report')).rejects.toMatchObject({ code: 'ScheduleNotFound' });
  });
});
