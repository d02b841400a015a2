import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Consumer } from '../client.ts';

type Entry = [id: Buffer, fields: [name: Buffer, body: Buffer]];
type Reply = [stream: Buffer, entries: Entry[]][] | null;

const COUNT = 1_000;
const BLOCK_MS = 1_000;

/**
 * XREADGROUP, and one XACK a stream for what it brought. While a backlog lasts the next read is under way as this one
 * is handled; a read that may have to wait goes out after the acks, which would wait behind it.
 */
export class GroupReader implements Consumer {
  readonly #redis: Redis;
  readonly #group: string;
  readonly #streams: readonly string[];
  readonly #onMessage: (body: Uint8Array) => void;
  readonly #name: string = randomUUID();
  readonly #count: number;
  #acks: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    redis: Redis,
    group: string,
    streams: readonly string[],
    onMessage: (body: Uint8Array) => void,
  ) {
    this.#redis = redis;
    this.#group = group;
    this.#streams = streams;
    this.#onMessage = onMessage;
    this.#count = Math.max(1, Math.floor(COUNT / streams.length));
    void this.#run();
  }

  settled(): Promise<unknown> {
    return this.#acks;
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    let next = this.#read('wait');
    while (!this.#closed) {
      const reply = await next.catch((error) => {
        if (this.#closed) return null;
        throw error;
      });
      const isFull = reply?.some(([, entries]) => entries.length === this.#count) === true;
      if (isFull) next = this.#read('now');
      this.#handle(reply ?? []);
      if (!isFull && !this.#closed) next = this.#read('wait');
    }
  }

  #read(when: 'now' | 'wait'): Promise<Reply> {
    const redis = this.#redis;
    const streams = [...this.#streams, ...this.#streams.map(() => '>')];
    const by = ['GROUP', this.#group, this.#name, 'COUNT', this.#count] as const;
    const reply =
      when === 'wait'
        ? redis.xreadgroupBuffer(...by, 'BLOCK', BLOCK_MS, 'STREAMS', ...streams)
        : redis.xreadgroupBuffer(...by, 'STREAMS', ...streams);
    return reply as Promise<Reply>;
  }

  #handle(reply: NonNullable<Reply>): void {
    if (reply.length === 0) return;
    const pipeline = reply.length > 1 ? this.#redis.pipeline() : this.#redis;
    for (const [stream, entries] of reply) {
      for (const [, [, body]] of entries) this.#onMessage(body);
      const ids = entries.map(([id]) => id);
      this.#acks = pipeline.xack(stream, this.#group, ...ids) as Promise<unknown>;
    }
    if (pipeline !== this.#redis) this.#acks = (pipeline as ReturnType<Redis['pipeline']>).exec();
  }
}
