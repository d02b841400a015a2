import { setTimeout as sleep } from 'node:timers/promises';
import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { runRole } from '../role.ts';

const STREAM = 'bystander';
/** What is done before anything is measured. */
const WARM_UP = 100;
/** From one message's ack to the next message, in ms. */
const PAUSE_MS = 2;

/**
 * Somebody else on the broker: publishes one message, takes and acks it, and then the next. Each must come once, in order
 * and as it was.
 */
await runRole<{ readonly port: number }>(async ({ port }) => {
  const connection = new Connection({ host: '127.0.0.1', port, reconnect: false });
  await connection.cursor().createStream(STREAM);
  const publisher = new Publisher<number>(connection, new Bind(STREAM));
  const messages = new Follower<number>(connection, new Bind(STREAM), { group: STREAM }).getMessages();
  const first = Date.now();
  const confirms: number[] = [];
  const comes: number[] = [];
  let sent = first;
  let isOver = false;
  const next = async (): Promise<void> => {
    const begun = performance.now();
    const number = sent++;
    const confirmed = publisher.sendMessage(number).then(() => confirms.push(performance.now() - begun));
    const { value: message } = await messages.next();
    comes.push(performance.now() - begun);
    if (message?.body !== number) throw new Error(`${number} was published, and ${message?.body} came`);
    await Promise.all([confirmed, message.ack()]);
    await sleep(PAUSE_MS);
  };
  for (let i = 0; i < WARM_UP; i++) await next();
  confirms.length = 0;
  comes.length = 0;
  const work = (async () => {
    while (!isOver) await next();
  })();
  return {
    async stop() {
      isOver = true;
      await work;
      await messages.return!();
      await connection.close();
      const [confirmP50, confirmP99] = percentiles(confirms);
      const [comeP50, comeP99] = percentiles(comes);
      return { messages: comes.length, confirmP50, confirmP99, comeP50, comeP99 };
    },
  };
});

/** The median and the 99th percentile. */
function percentiles(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
  return [at(0.5), at(0.99)];
}
