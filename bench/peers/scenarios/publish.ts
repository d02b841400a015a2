import { windowOf } from '../bench.ts';
import type { Scenario } from './scenario.ts';

const KIB = 1024;

function publish(id: string, size: string, bodyBytes: number, divisor: number): Scenario {
  const window = windowOf(bodyBytes).toLocaleString('en');
  return {
    id,
    title: `confirmed publish, ${size}`,
    unit: 'messages/s',
    about: `One connection, at most ${window} messages under way, from the first to the last confirm.`,
    async run(bench) {
      await bench.declare();
      return await bench.run('publish', { bodyBytes, messages: bench.share(divisor) });
    },
  };
}

export const PUBLISH: readonly Scenario[] = [
  publish('publish-128', '128 B', 128, 1),
  publish('publish-1k', '1 KiB', KIB, 2),
  publish('publish-16k', '16 KiB', 16 * KIB, 20),
  publish('publish-1m', '1 MiB', KIB * KIB, 250),
];

export const AWAITED: readonly Scenario[] = [
  {
    id: 'awaited',
    title: 'one awaited publish',
    unit: 'ms',
    about: 'One connection, each publish awaited before the next.',
    async run(bench) {
      await bench.declare();
      return await bench.run('awaited', { messages: bench.share(25) });
    },
  },
  {
    id: 'connections',
    title: '100 connections, each awaiting its publish',
    unit: 'messages/s',
    about: '100 connections of one process, one publish under way on each.',
    async run(bench) {
      await bench.declare();
      return await bench.run('connections', { messages: bench.share(5), connections: 100 });
    },
  },
];
