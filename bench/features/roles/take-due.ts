import { Bind, Connection, Follower, Publisher } from '@simplemq/client';
import { type Figures, type Orders, percentile, runRole, secondsSince } from '../../role.ts';

export interface DueOrders extends Orders {
  /** The messages become due evenly over so long. */
  readonly spreadMs: number;
}

/** Latencies say how long after it was due a message came. */
export interface DueFigures extends Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How many came before they were due, which none may. */
  readonly early: number;
}

/** They are all in place before the first of them is due. */
const LEAD_MS = 2_000;
/** The broker's clock and this process's may differ by so much. */
const CLOCKS_MS = 5;
/** Past their time by so much, those that have not come are lost. */
const LATE_MS_MAX = 60_000;

/** Publishes messages that become due soon, each with its time as its body, and takes them when they come. */
await runRole<DueOrders, DueFigures>({
  async prepare({ server, stream, messages, spreadMs }) {
    const connection = new Connection(server);
    await connection.cursor().session();
    const publisher = new Publisher<number>(connection, new Bind(stream));
    const follower = new Follower<number>(connection, new Bind(stream));
    return {
      async work() {
        const start = performance.now();
        const firstDue = Date.now() + LEAD_MS;
        const late = new Float64Array(messages);
        const taken = take(follower, late, AbortSignal.timeout(LEAD_MS + spreadMs + LATE_MS_MAX));
        const sent = Array.from({ length: messages }, (_, index) => {
          const due = firstDue + Math.floor((index * spreadMs) / messages);
          return publisher.sendMessage(due, { deliverAt: due });
        });
        await Promise.all(sent);
        const count = await taken;
        if (count < messages) throw new Error(`${count} of ${messages} due messages came`);
        return {
          seconds: secondsSince(start),
          messages,
          p50Ms: percentile(late, 0.5),
          p99Ms: percentile(late, 0.99),
          maxMs: percentile(late, 1),
          early: late.filter((ms) => ms < -CLOCKS_MS).length,
        };
      },
      end: () => connection.close(),
    };
  },
});

/** @returns how many came before `signal` */
async function take(follower: Follower<number>, late: Float64Array, signal: AbortSignal): Promise<number> {
  let count = 0;
  for await (const message of follower.getMessages({ signal })) {
    late[count++] = Date.now() - message.body;
    if (count < late.length) {
      message.ack();
      continue;
    }
    await message.ack();
    break;
  }
  return count;
}
