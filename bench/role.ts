import type { StreamOptions } from '@simplemq/client';

/**
 * What each process of a benchmark does: it gets its orders as JSON in its first argument, says that it is ready,
 * waits for the word, works, and tells its figures. Everything goes over the IPC channel of child_process.fork.
 */
export interface Orders {
  /** Where the server is: a URL for SimpleMQ, a port for Redis. */
  readonly server: string;
  readonly stream: string;
  readonly messages: number;
  readonly bodyBytes: number;
  readonly window: number;
  readonly connections: number;
  /** How the stream is kept, where the role creates it. */
  readonly streamOptions?: StreamOptions;
}

/** A role's figures: rates are per second, latencies in milliseconds. */
export interface Figures {
  readonly seconds: number;
  readonly messages: number;
  /** Of its process, all threads, while it worked. */
  readonly cpuSeconds?: number;
  /** Latencies in milliseconds, where the role measures them. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly p999Ms?: number;
  /** How many messages had not come when the role gave up. */
  readonly missing?: number;
}

export interface Role<O extends Orders = Orders, F extends Figures = Figures> {
  /** Connects, so that it is not measured. */
  prepare(orders: O): Promise<{ work(): Promise<F>; end(): Promise<void> }>;
}

/** Runs a role in this process, as the parent asks; it does not outlive its parent. */
export async function runRole<O extends Orders, F extends Figures>(role: Role<O, F>): Promise<void> {
  process.once('disconnect', () => process.exit());
  const orders = JSON.parse(process.argv[2]!) as O;
  const { work, end } = await role.prepare(orders);
  const go = new Promise<void>((resolve) => process.once('message', () => resolve()));
  process.send!({ type: 'ready' });
  await go;
  const cpuBefore = process.cpuUsage();
  const figures = await work();
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send!({ type: 'figures', figures: { ...figures, cpuSeconds: (user + system) / 1e6 } });
  await end();
  process.disconnect();
}

/** Seconds since `start`, a value of performance.now(). */
export function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

/** The latency that `share` of the samples do not exceed. */
export function percentile(samples: Float64Array, share: number): number {
  const sorted = samples.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/** A body that does not compress to nothing. */
export function bodyOf(bytes: number): Buffer {
  const body = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i++) body[i] = 97 + ((i * 7) % 26);
  return body;
}

/**
 * Keeps `window` sends under way until `messages` are confirmed.
 *
 * @param send one message, resolving with its confirm
 */
export function keepInFlight(messages: number, window: number, send: () => Promise<unknown>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let sent = 0;
  let confirmed = 0;
  const next = (): void => {
    sent++;
    send().then(onConfirmed, reject);
  };
  const onConfirmed = (): void => {
    confirmed++;
    if (sent < messages) next();
    else if (confirmed === messages) resolve();
  };
  for (let i = 0; i < Math.min(window, messages); i++) next();
  return promise;
}

/** Awaits `messages` sends one after the other and tells how long each took. */
export async function oneByOne(messages: number, send: () => Promise<unknown>): Promise<Figures> {
  const samples = new Float64Array(messages);
  const start = performance.now();
  for (let i = 0; i < messages; i++) {
    const before = performance.now();
    await send();
    samples[i] = performance.now() - before;
  }
  return {
    seconds: secondsSince(start),
    messages,
    p50Ms: percentile(samples, 0.5),
    p99Ms: percentile(samples, 0.99),
  };
}
