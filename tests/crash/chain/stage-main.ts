import { setTimeout as sleep } from 'node:timers/promises';
import { Bind, Connection, Follower, type Message, SimpleMQError } from '@simplemq/client';
import { compute, INPUTS, type Job, OUTPUTS, poisonError, poisonedAt } from './jobs.ts';
import { GROUP, GROUP_OPTIONS, type StageOptions } from './stage-options.ts';

// A process of one stage: reads, computes, publishes and acks in one commit. Its argument is the options, as JSON. It
// ends in good order when its parent sends a message or goes away.

const CONCURRENCY = 8;
/** No lease runs out here: what comes again does so for a death or a poison job. */
const LEASE_MS = 120_000;
/** What a transaction is told when the broker died meanwhile. */
const OF_DEATHS: readonly string[] = ['ConnectionLost', 'StaleAck'];

const { stage, name, port } = JSON.parse(process.argv[2] ?? '{}') as StageOptions;
const stop = new AbortController();
process.once('message', () => stop.abort());
process.once('disconnect', () => stop.abort());
const connection = new Connection({
  host: '127.0.0.1',
  port,
  name,
  requestTimeoutMs: 60_000,
  // Eagerly: the broker is up for some tens of milliseconds at times.
  reconnect: { minDelayMs: 10, maxDelayMs: 60 },
});
const output = new Bind(OUTPUTS[stage]);
const follower = new Follower<Job>(connection, new Bind(INPUTS[stage]), {
  ...GROUP_OPTIONS,
  group: GROUP,
  leaseMs: LEASE_MS,
});
process.send?.('up');
await follower.run(handle, { concurrency: CONCURRENCY, signal: stop.signal, onError });
await connection.close();
if (process.connected) process.disconnect();

async function handle(message: Message<Job>): Promise<void> {
  const job = message.body;
  if (poisonedAt(job.number) === stage) throw new Error(poisonError(job.number, stage));
  // Some work, so that deaths find jobs in hand.
  await sleep(job.number % 5);
  await connection.transaction((transaction) => {
    transaction.publish(output, compute(stage, job));
    transaction.ack(message);
  });
}

/** There is nothing here that another refusal could be right for. */
function onError(error: unknown): void {
  if (error instanceof SimpleMQError && !OF_DEATHS.includes(error.code)) throw error;
}
