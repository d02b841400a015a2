import { bodyOf, keepInFlight, oneByOne, secondsSince } from '../../role.ts';
import { runPeerRole } from '../peer-role.ts';
import { requestOverStreams } from './stream-requests.ts';

/** Sends requests, `window` of them at a time: with one, their latencies are told. */
await runPeerRole(async ({ stream, messages, bodyBytes, window, topology }, connect) => {
  const client = await connect();
  const body = bodyOf(bodyBytes);
  const request = await requesterOf();
  await keepInFlight(200, 10, () => request(body));
  return async () => {
    if (window === 1) return await oneByOne(messages, () => request(body));
    const start = performance.now();
    await keepInFlight(messages, window, () => request(body));
    return { seconds: secondsSince(start), messages };
  };

  async function requesterOf(): Promise<(body: Buffer) => Promise<unknown>> {
    if (client.request !== undefined) return (request) => client.request!(stream, request);
    return await requestOverStreams(client, await connect(), stream, topology.groups[0]!);
  }
});
