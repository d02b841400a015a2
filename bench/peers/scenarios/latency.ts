import { WARM_UP_MS } from '../roles/pace.ts';
import type { Scenario } from './scenario.ts';

function latency(ratePerSecond: number): Scenario {
  return {
    id: `latency-${ratePerSecond / 1_000}k`,
    title: `from publish to handler at ${ratePerSecond.toLocaleString('en')} messages/s`,
    unit: 'ms',
    about:
      'From when a message was meant to be sent, an even number of them each millisecond, to when the handler has ' +
      'it: a server or client that falls behind makes all that follows late.',
    async run(bench) {
      await bench.declare();
      const seconds = bench.size.seconds + WARM_UP_MS / 1_000;
      const paced = { ratePerSecond, seconds, messages: ratePerSecond * seconds };
      const [came] = await bench.both(bench.start('timed-consume', paced), () =>
        bench.start('paced-publish', paced),
      );
      return came;
    },
  };
}

export const LATENCY: readonly Scenario[] = [latency(1_000), latency(10_000), latency(100_000)];
