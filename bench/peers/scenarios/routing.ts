import type { Scenario } from './scenario.ts';

const REACHED = 10;

export const ROUTING: readonly Scenario[] = [
  {
    id: 'regex-publish',
    title: `publish to ${REACHED} of 10,000 streams by regex`,
    unit: 'publishes/s',
    about: `One connection, at most 1,000 publishes under way, each confirmed by all ${REACHED} streams.`,
    async run(bench) {
      const hit = { prefix: 'hit', count: REACHED };
      const others = { prefix: 'other', count: Math.max(1, bench.size.streams - REACHED) };
      await bench.declare({ families: [hit, others] });
      return await bench.run('publish-to-all', { family: hit, messages: bench.share(20), window: 1_000 });
    },
  },
  {
    id: 'regex-follow',
    title: 'one follower of 1,000 streams by regex',
    unit: 'messages/s',
    about: 'A backlog spread evenly over the streams, from the first message to the last ack.',
    async run(bench) {
      const family = { prefix: 'many', count: Math.ceil(bench.size.streams / 10) };
      await bench.declare({ families: [family] });
      const messages = bench.share(2);
      await bench.run('publish', { family, messages });
      return await bench.run('consume', { family, messages });
    },
  },
];
