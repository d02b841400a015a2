import { describe, expect, test } from 'vitest';
import { RecordingFollower } from '../recording-follower.ts';
import { publish } from './asking.ts';
import type { EngineKind } from './engine-kind.ts';
import { lettersOf } from './letters.ts';
import { pass } from './waiting.ts';

const bind = { stream: 's' };
const log = { retention: 'log' } as const;
const inOrder = { group: 'g', credit: 2, options: { ordering: 'key' } } as const;

/** Groups that are reset while something of before is under way. */
export function beginningAnew({ open }: EngineKind): void {
  describe('groups that begin anew', () => {
    test('while a message is being buried get it again', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', log);
      const follower = await RecordingFollower.follow(engine, bind, { ...inOrder, credit: 10 });
      await publish(engine, 's', { body: '1', key: 'k' }, { body: '2', key: 'k' });
      await follower.until(1);
      await follower.ack(follower.deliveries[0]!);
      await follower.until(2);
      const rejected = follower.reject([follower.deliveries[1]!]);
      await Promise.all([rejected, engine.resetGroup({ stream: 's', group: 'g', startFrom: 'first' })]);
      await follower.until(3);
      expect(await lettersOf(engine)).toEqual([]);
      await follower.ack(follower.deliveries[2]!);
      await follower.until(4);
      expect(follower.sequences).toEqual([1, 2, 1, 2]);
      expect(follower.attempts).toEqual([1, 1, 1, 1]);
    });

    test('while an ack is being stored keep the order of its key', async () => {
      await using opened = await open();
      const { engine } = opened;
      await engine.createStream('s', log);
      const follower = await RecordingFollower.follow(engine, bind, { ...inOrder, credit: 1 });
      await publish(engine, 's', { body: '1', key: 'k' }, { body: '2', key: 'k' });
      await follower.until(1);
      const acked = follower.ack(follower.deliveries[0]!);
      // The commit of the ack has begun.
      await new Promise((resolve) => setImmediate(resolve));
      const reset = engine.resetGroup({ stream: 's', group: 'g', startFrom: 'first' });
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      follower.credit(10);
      await Promise.all([acked, reset]);
      await pass(20);
      expect(follower.sequences).toEqual([1, 1]);
      await follower.ack(follower.deliveries[1]!);
      await follower.until(3);
      expect(follower.sequences).toEqual([1, 1, 2]);
    });
  });
}
