/** Streams whose names begin alike: `hit.0`, `hit.1` … */
export interface Family {
  readonly prefix: string;
  readonly count: number;
}

/** What is there before a scenario begins. A stream is a queue, a tube or a subject to some peers. */
export interface Topology {
  readonly streams: readonly string[];
  readonly families: readonly Family[];
  /** Each of them is delivered every message. */
  readonly groups: readonly string[];
}

export interface Source {
  readonly from: string | Family;
  readonly group: string;
}

/** Takes and acks messages until its client is closed. */
export interface Consumer {
  /** Resolves when the server has the acks of all messages that were handed out so far. */
  settled(): Promise<unknown>;
}

/** One connection to a server, in a process of the benchmark. Each peer's is used as its own documentation advises. */
export interface Client {
  /** Creates what the topology names. */
  declare(): Promise<void>;
  /** @returns when it is confirmed; many may be under way */
  publish(stream: string, body: Buffer): Promise<unknown>;
  /** To each stream of a family, in one go where the peer can, and else one by one. */
  publishToAll(family: Family, body: Buffer): Promise<unknown>;
  /** Each message is acked when `onMessage` returns. */
  consume(source: Source, onMessage: (body: Uint8Array) => void): Promise<Consumer>;
  /** Sends a request and gives the body of its reply, where the peer has a way of its own. */
  request?(stream: string, body: Buffer): Promise<Uint8Array>;
  /** Answers requests with their own bodies, where the peer has a way of its own. */
  respond?(stream: string): Promise<void>;
  close(): Promise<void>;
}

/** What the module of a client exports. */
export interface ClientModule {
  connect(address: string, topology: Topology, options: Readonly<Record<string, string>>): Promise<Client>;
}

/** Jobs that are delayed and may fail, as far as a peer has such a thing. */
export interface JobsModule {
  openJobs(address: string, queue: string, settings: JobSettings): Promise<Jobs>;
}

export interface JobSettings {
  readonly delayMs: number;
  readonly retryDelayMs: number;
  readonly attempts: number;
  readonly concurrency: number;
}

export interface Jobs {
  /** @returns when they are confirmed */
  add(first: number, count: number): Promise<unknown>;
  /** Jobs are done when `handle` returns, and tried again when it throws. `attempt` begins at 1. */
  work(handle: (job: number, attempt: number) => void): Promise<Consumer>;
  close(): Promise<void>;
}

export function namesOf({ prefix, count }: Family): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}.${index}`);
}

/** All streams of a topology, by name. */
export function allStreams({ streams, families }: Topology): string[] {
  return [...streams, ...families.flatMap(namesOf)];
}

/** Does something for each item, so many at a time. */
export async function inChunks<T>(
  items: readonly T[],
  size: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  for (let i = 0; i < items.length; i += size) await Promise.all(items.slice(i, i + size).map(work));
}
