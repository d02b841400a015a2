import type { Scenario } from './scenario.ts';

function consume(id: string, followers: number): Scenario {
  return {
    id,
    title: `consume and ack, ${followers} ${followers === 1 ? 'follower' : 'followers'}`,
    unit: 'messages/s',
    about:
      'A backlog, from the first message to the last ack; each follower has a connection, one process has all.',
    async run(bench) {
      await bench.declare();
      await bench.run('publish', {});
      return await bench.run('consume', { connections: followers });
    },
  };
}

export const CONSUME: readonly Scenario[] = [
  consume('consume-1', 1),
  consume('consume-8', 8),
  {
    id: 'both',
    title: 'both at once, publish to last ack',
    unit: 'messages/s',
    about: 'A publisher and a follower, each in a process of its own.',
    async run(bench) {
      await bench.declare();
      const figures = await bench.both(bench.start('consume', {}), () => bench.start('publish', {}));
      return { seconds: Math.max(...figures.map(({ seconds }) => seconds)), messages: bench.share(1) };
    },
  },
  {
    id: 'fan-out',
    title: 'fan-out to 100 groups',
    unit: 'deliveries/s',
    about:
      'One publisher, 100 groups of one follower and one connection each, until each group has acked all.',
    async run(bench) {
      await bench.declare({ groups: Array.from({ length: 100 }, (_, index) => `group-${index}`) });
      const messages = bench.share(100);
      const figures = await bench.both(bench.start('consume', { messages }), () =>
        bench.start('publish', { messages }),
      );
      return { seconds: Math.max(...figures.map(({ seconds }) => seconds)), messages: messages * 100 };
    },
  },
];
