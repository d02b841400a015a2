const PREFETCH_IN_ALL = 2_000;

/** RabbitMQ counts the prefetch for each consumer of a channel. Of the values that were tried the quickest. */
export function prefetchOf(queues: number): number {
  return Math.max(10, Math.floor(PREFETCH_IN_ALL / queues));
}
