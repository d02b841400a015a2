import type { Figures } from '../../role.ts';
import type { Bench } from '../bench.ts';
import { REPLIES } from '../roles/stream-requests.ts';
import type { Scenario } from './scenario.ts';

async function request(bench: Bench, window: number, messages: number): Promise<Figures> {
  await bench.declare({ streams: [REPLIES] });
  const responder = await bench.start('respond', {});
  try {
    return await bench.run('request', { window, messages });
  } finally {
    await responder.stop();
  }
}

export const REQUESTS: readonly Scenario[] = [
  {
    id: 'request-one',
    title: 'request and reply, one at a time',
    unit: 'ms',
    about: 'From the request to its reply, requester and responder each in a process of its own.',
    run: (bench) => request(bench, 1, bench.share(200)),
  },
  {
    id: 'request-many',
    title: 'request and reply, 100 at a time',
    unit: 'requests/s',
    about: 'One requester with 100 requests under way, one responder.',
    run: (bench) => request(bench, 100, bench.share(20)),
  },
];
