/** Milliseconds that only go forward, whatever happens to the wall clock; for leases and delays. */
export function monotonicMs(): number {
  return performance.now();
}
