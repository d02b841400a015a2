import { startTestBroker } from '@simplemq/testkit';
import { describe, expect, it } from 'vitest';
import { Bind, Connection, Follower, Publisher } from '../../src/index.ts';

describe('reading from a real broker', () => {
  it('shows all that is there, over many pages, and consumes nothing', async () => {
    await using broker = await startTestBroker();
    await using connection = new Connection({ port: broker.port, host: broker.host });
    const cursor = connection.cursor();
    await cursor.createStream('q');
    const publisher = new Publisher<number>(connection, new Bind('q'));
    const bodies = Array.from({ length: 5_000 }, (_, i) => i + 1);
    await Promise.all(bodies.map((body) => publisher.sendMessage(body, { key: `k${body % 3}` })));
    expect((await cursor.read<number>('q', { limit: 5_000 })).map(({ body }) => body)).toEqual(bodies);
    expect((await cursor.read('q', { from: { sequence: 4_990 } })).map(({ sequence }) => sequence)).toEqual(
      bodies.slice(4_989),
    );
    const browsed: number[] = [];
    for await (const message of cursor.browse<number>('q')) browsed.push(message.body);
    expect(browsed).toEqual(bodies);
    const first = await new Follower<number>(connection, new Bind('q')).getMessages().next();
    expect(first.value).toMatchObject({ sequence: 1, attempt: 1, key: 'k1' });
  });

  it('goes on after what was purged', async () => {
    await using broker = await startTestBroker();
    await using connection = new Connection({ port: broker.port, host: broker.host });
    const cursor = connection.cursor();
    await cursor.createStream('q');
    await new Publisher<number>(connection, new Bind('q')).sendMessages([1, 2, 3, 4, 5]);
    expect(await cursor.purgeStream('q', { sequence: 3 })).toBe(2);
    expect((await cursor.read('q')).map(({ sequence }) => sequence)).toEqual([3, 4, 5]);
    await cursor.updateStream('q', { maxMessages: 3 });
    const full = new Publisher<number>(connection, new Bind('q')).sendMessage(6);
    await expect(full).rejects.toMatchObject({ code: 'StreamFull' });
  });
});

describe('schedules of a real broker', () => {
  it('publish their message again and again, until they are paused or deleted', async () => {
    await using broker = await startTestBroker();
    await using connection = new Connection({ port: broker.port, host: broker.host });
    const cursor = connection.cursor();
    await cursor.createStream('q');
    const saved = await cursor.saveSchedule('tick', {
      stream: 'q',
      cron: '* * * * * *',
      body: { tick: true },
      headers: { by: 'schedule' },
    });
    expect(saved).toMatchObject({ name: 'tick', timezone: 'UTC', paused: false });
    expect(saved.nextAt!.getTime()).toBeGreaterThan(Date.now() - 2_000);
    const messages = new Follower(connection, new Bind('q')).getMessages();
    for (let i = 0; i < 2; i++) {
      const { value } = await messages.next();
      expect(value).toMatchObject({ body: { tick: true }, headers: { by: 'schedule' } });
      await value!.ack();
    }
    expect(await cursor.pauseSchedule('tick')).toMatchObject({ paused: true });
    expect((await cursor.listSchedules())[0]).toMatchObject({ name: 'tick', lastAt: expect.any(Date) });
    expect(await cursor.resumeSchedule('tick')).toMatchObject({ paused: false, nextAt: expect.any(Date) });
    await cursor.deleteSchedule('tick');
    expect(await cursor.listSchedules()).toEqual([]);
    await expect(cursor.pauseSchedule('tick')).rejects.toMatchObject({ code: 'ScheduleNotFound' });
  });
});
