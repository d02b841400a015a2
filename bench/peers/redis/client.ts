import { Redis } from 'ioredis';
import {
  allStreams,
  type Client,
  type Consumer,
  type Family,
  inChunks,
  namesOf,
  type Source,
  type Topology,
} from '../client.ts';
import { TurnBatch } from '../turn-batch.ts';
import { GroupReader } from './group-reader.ts';

/** Of the sizes that were tried among the quickest; pipelines made by hand are quicker than automatic ones. */
const PIPELINE_MAX = 1_000;

export async function connect(address: string, topology: Topology): Promise<Client> {
  const redis = new Redis(Number(address), '127.0.0.1', { noDelay: true });
  await redis.ping();
  return new RedisClient(redis, topology);
}

/** Streams with consumer groups; what is published in a turn is one pipeline of XADD. */
class RedisClient implements Client {
  readonly #redis: Redis;
  readonly #topology: Topology;
  readonly #batch: TurnBatch<readonly [stream: string, body: Buffer]>;
  readonly #readers: GroupReader[] = [];

  constructor(redis: Redis, topology: Topology) {
    this.#redis = redis;
    this.#topology = topology;
    this.#batch = new TurnBatch(PIPELINE_MAX, (items) => this.#addAll(items));
  }

  async declare(): Promise<void> {
    await inChunks(allStreams(this.#topology), 500, async (stream) => {
      for (const group of this.#topology.groups) {
        await this.#redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
      }
    });
  }

  publish(stream: string, body: Buffer): Promise<unknown> {
    return this.#batch.add([stream, body]);
  }

  publishToAll(family: Family, body: Buffer): Promise<unknown> {
    return Promise.all(namesOf(family).map((stream) => this.publish(stream, body)));
  }

  async consume({ from, group }: Source, onMessage: (body: Uint8Array) => void): Promise<Consumer> {
    const streams = typeof from === 'string' ? [from] : namesOf(from);
    const reader = new GroupReader(this.#redis, group, streams, onMessage);
    this.#readers.push(reader);
    return reader;
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) reader.close();
    if (this.#readers.length > 0) this.#redis.disconnect();
    else await this.#redis.quit();
  }

  #addAll(items: readonly (readonly [stream: string, body: Buffer])[]): Promise<unknown> {
    if (items.length === 1) return this.#redis.xadd(items[0]![0], '*', 'body', items[0]![1]);
    const pipeline = this.#redis.pipeline();
    for (const [stream, body] of items) pipeline.xadd(stream, '*', 'body', body);
    return pipeline.exec().then((replies) => {
      for (const [error] of replies ?? []) if (error !== null) throw error;
    });
  }
}
