import type { JobSettings } from '../client.ts';
import type { Scenario } from './scenario.ts';

const SETTINGS: JobSettings = { delayMs: 100, retryDelayMs: 100, attempts: 5, concurrency: 100 };

export const JOBS: readonly Scenario[] = [
  {
    id: 'jobs',
    title: 'delayed jobs, of which 10 % fail once',
    unit: 'jobs/s',
    about:
      `Added in bulks of 500, each due ${SETTINGS.delayMs} ms later, a failed one tried again after ` +
      `${SETTINGS.retryDelayMs} ms; one worker process, ${SETTINGS.concurrency} at a time; from the first add to the ` +
      'end of the last job.',
    async run(bench) {
      const { jobs } = bench.peer;
      if (jobs === undefined) throw new Error(`${bench.peer.name} has no jobs`);
      // All get as many, since the delays are a part of what it takes.
      const messages = Math.ceil(bench.size.messages / 10);
      const orders = { jobs: jobs.href, settings: SETTINGS, messages };
      const figures = await bench.both(bench.start('work-jobs', orders), () =>
        bench.start('add-jobs', orders),
      );
      return { seconds: Math.max(...figures.map(({ seconds }) => seconds)), messages };
    },
  },
];
