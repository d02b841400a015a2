import { Queue, QueueEvents, Worker } from 'bullmq';
import { type Client, type Consumer, type Family, namesOf, type Source, type Topology } from '../client.ts';
import { TurnBatch } from '../turn-batch.ts';
import { connectionTo } from './connection.ts';

const BULK_MAX = 1_000;
const CONCURRENCY = 200;

interface Data {
  readonly body: string;
}

export async function connect(address: string, _: Topology): Promise<Client> {
  return new BullMqClient(address);
}

/** A stream is a queue; what is published in a turn is one addBulk; a job that is done is removed. */
class BullMqClient implements Client {
  readonly #connection: ReturnType<typeof connectionTo>;
  readonly #queues = new Map<string, { queue: Queue<Data>; batch: TurnBatch<Buffer> }>();
  readonly #workers: Worker<Data>[] = [];
  readonly #events = new Map<string, QueueEvents>();

  constructor(address: string) {
    this.#connection = connectionTo(address);
  }

  async declare(): Promise<void> {}

  publish(stream: string, body: Buffer): Promise<unknown> {
    return this.#open(stream).batch.add(body);
  }

  publishToAll(family: Family, body: Buffer): Promise<unknown> {
    return Promise.all(namesOf(family).map((stream) => this.publish(stream, body)));
  }

  async consume({ from }: Source, onMessage: (body: Uint8Array) => void): Promise<Consumer> {
    if (typeof from !== 'string') throw new Error('a BullMQ worker takes jobs from one queue');
    const handle = async ({ data }: { data: Data }): Promise<void> => {
      onMessage(Buffer.from(data.body, 'latin1'));
    };
    const worker = new Worker<Data>(from, handle, {
      connection: this.#connection,
      concurrency: CONCURRENCY,
    });
    await worker.waitUntilReady();
    this.#workers.push(worker);
    return { settled: () => worker.close() };
  }

  async request(stream: string, body: Buffer): Promise<Uint8Array> {
    let events = this.#events.get(stream);
    if (events === undefined) {
      events = new QueueEvents(stream, { connection: this.#connection });
      this.#events.set(stream, events);
      await events.waitUntilReady();
    }
    const job = await this.#open(stream).queue.add('request', { body: body.toString('latin1') });
    return Buffer.from((await job.waitUntilFinished(events)) as string, 'latin1');
  }

  async respond(stream: string): Promise<void> {
    const echo = async ({ data }: { data: Data }): Promise<string> => data.body;
    const worker = new Worker<Data>(stream, echo, {
      connection: this.#connection,
      concurrency: CONCURRENCY,
      removeOnComplete: { count: 1_000 },
    });
    await worker.waitUntilReady();
    this.#workers.push(worker);
  }

  async close(): Promise<void> {
    const open = [
      ...this.#workers,
      ...this.#events.values(),
      ...[...this.#queues.values()].map(({ queue }) => queue),
    ];
    await Promise.all(open.map((each) => each.close()));
  }

  #open(stream: string): { queue: Queue<Data>; batch: TurnBatch<Buffer> } {
    let open = this.#queues.get(stream);
    if (open === undefined) {
      const queue = new Queue<Data>(stream, { connection: this.#connection });
      // A request adds a listener while it waits.
      queue.setMaxListeners(0);
      const batch = new TurnBatch<Buffer>(BULK_MAX, (bodies) => queue.addBulk(bodies.map(jobOf)));
      open = { queue, batch };
      this.#queues.set(stream, open);
    }
    return open;
  }
}

function jobOf(body: Buffer): { name: string; data: Data; opts: { removeOnComplete: true } } {
  return { name: 'message', data: { body: body.toString('latin1') }, opts: { removeOnComplete: true } };
}
