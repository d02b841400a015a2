/** BullMQ wants no limit of retries for a connection that blocks. */
export function connectionTo(address: string): {
  host: string;
  port: number;
  noDelay: true;
  maxRetriesPerRequest: null;
  enableAutoPipelining: true;
} {
  return {
    host: '127.0.0.1',
    port: Number(address),
    noDelay: true,
    maxRetriesPerRequest: null,
    enableAutoPipelining: true,
  };
}
