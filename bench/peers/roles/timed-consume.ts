import { setTimeout as sleep } from 'node:timers/promises';
import { percentile, secondsSince } from '../../role.ts';
import { runPeerRole } from '../peer-role.ts';
import { type PacedOrders, patienceMs, sharedNow, TICK_MS, WARM_UP_MS } from './pace.ts';

/** Takes what paced-publish sends and tells how long after it was meant to be sent each message came. */
await runPeerRole<PacedOrders>(async (orders, connect) => {
  const { stream, messages, topology, seconds } = orders;
  const client = await connect();
  return async () => {
    const meantMs = new Float64Array(messages);
    const cameMs = new Float64Array(messages);
    const { promise: allCame, resolve } = Promise.withResolvers<void>();
    let count = 0;
    const start = performance.now();
    const onMessage = (body: Uint8Array): void => {
      if (count === messages) return;
      cameMs[count] = sharedNow();
      meantMs[count] = new DataView(body.buffer, body.byteOffset, 8).getFloat64(0, true);
      if (++count === messages) resolve();
    };
    const consumer = await client.consume({ from: stream, group: topology.groups[0]! }, onMessage);
    await Promise.race([allCame, sleep(patienceMs(seconds), undefined, { ref: false })]);
    if (count === messages) await consumer.settled();
    const late = latencies(orders, meantMs.subarray(0, count), cameMs.subarray(0, count));
    return {
      seconds: secondsSince(start),
      messages: count,
      missing: messages - count,
      p50Ms: percentile(late, 0.5),
      p99Ms: percentile(late, 0.99),
      p999Ms: percentile(late, 0.999),
    };
  };
});

/** What has not come counts with how late it is by now. */
function latencies(
  { messages, ratePerSecond }: PacedOrders,
  meantMs: Float64Array,
  cameMs: Float64Array,
): Float64Array {
  const firstMs = meantMs.length === 0 ? sharedNow() : meantMs.reduce((a, b) => Math.min(a, b));
  const late: number[] = [];
  for (let i = 0; i < meantMs.length; i++) {
    if (meantMs[i]! >= firstMs + WARM_UP_MS) late.push(cameMs[i]! - meantMs[i]!);
  }
  const perTick = (ratePerSecond / 1_000) * TICK_MS;
  for (let i = meantMs.length; i < messages; i++) {
    late.push(sharedNow() - (firstMs + Math.floor(i / perTick) * TICK_MS));
  }
  return Float64Array.from(late);
}
