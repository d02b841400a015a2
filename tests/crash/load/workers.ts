import { setTimeout as sleep } from 'node:timers/promises';
import { Bind, Follower, type FollowerOptions, type Message } from '@simplemq/client';
import { Random } from '../../fuzz/random.ts';
import type { FactLog } from '../history/fact-log.ts';
import type { Body } from './body.ts';
import { connect, type TimedConnection } from './connect.ts';
import type { LoadOptions } from './load-options.ts';
import { ALL_PATTERN, AUDIT, BILLS, ORDERS, SOLO } from './streams.ts';
import { Witness } from './witness.ts';

type Work = (
  follower: Follower<Body>,
  witness: Witness,
  signal: AbortSignal,
  random: Random,
) => Promise<void>;

/** No lease runs out here: what comes again does so for the broker's death, a worker's, or by wish. */
const LEASE_MS = 120_000;

/** Follows over three connections until `signal`: each follower in another way, all of them competing. */
export async function workUntil(signal: AbortSignal, options: LoadOptions, log: FactLog): Promise<void> {
  const connections = [connect(options), connect(options), connect(options)];
  const [first, second, third] = connections as [TimedConnection, TimedConnection, TimedConnection];
  const all = new Bind(ALL_PATTERN);
  const plan: [name: string, over: TimedConnection, bind: Bind, work: Work, options?: FollowerOptions][] = [
    ['patient', first, all, awaitAcks],
    ['hasty', second, new Bind(ORDERS), doNotAwaitAcks],
    ['ahead', third, new Bind(BILLS), awaitAcksLater],
    ['handler', first, all, handle],
    ['failing', second, all, nackSome],
    ['leaving', third, all, leaveNowAndThen],
    ['slow', second, new Bind(AUDIT), holdEach],
    // With a fixed prefetch nothing is handed back, so that its one follower sees the stream in order.
    ...(options.hasSolo
      ? [['solo', third, new Bind(SOLO), awaitAcksLater, { prefetch: 200 }] as (typeof plan)[0]]
      : []),
  ];
  const work = plan.map(([name, { connection, connectedAt }, bind, task, followerOptions], index) => {
    const follower = new Follower<Body>(connection, bind, { leaseMs: LEASE_MS, ...followerOptions });
    const witness = new Witness(`${options.name}/${name}`, connectedAt, log);
    return task(follower, witness, signal, new Random(options.seed * 37 + index));
  });
  await Promise.all(work);
  for (const { connection } of connections) await connection.close();
}

const awaitAcks: Work = async (follower, witness, signal) => {
  for await (const message of follower.getMessages({ signal })) {
    witness.delivered(message);
    await witness.ack(message);
  }
};

const doNotAwaitAcks: Work = async (follower, witness, signal) => {
  for await (const message of follower.getMessages({ signal })) {
    witness.delivered(message);
    witness.settling(message);
    void message.ack();
  }
};

const awaitAcksLater: Work = async (follower, witness, signal) => {
  for await (const message of follower.getMessages({ signal })) {
    witness.delivered(message);
    void witness.ack(message);
  }
};

const handle: Work = async (follower, witness, signal, random) => {
  const handler = async (message: Message<Body>): Promise<void> => {
    witness.delivered(message);
    await sleep(random.below(10));
    witness.settling(message);
    if (message.attempt === 1 && random.below(50) === 0) throw new Error('as it happens');
  };
  await follower.run(handler, { concurrency: 8, signal });
};

const nackSome: Work = async (follower, witness, signal, random) => {
  for await (const message of follower.getMessages({ signal })) {
    witness.delivered(message);
    if (random.below(5) === 0) await witness.nack(message, random.below(2) * random.below(100));
    else await witness.ack(message);
  }
};

const leaveNowAndThen: Work = async (follower, witness, signal, random) => {
  while (!signal.aborted) {
    for await (const message of follower.getMessages({ signal })) {
      witness.delivered(message);
      // The message in hand is left as it is.
      if (random.below(40) === 0) break;
      await witness.ack(message);
    }
  }
};

const holdEach: Work = async (follower, witness, signal, random) => {
  for await (const message of follower.getMessages({ signal })) {
    witness.delivered(message);
    await sleep(random.below(60));
    await witness.ack(message);
  }
};
