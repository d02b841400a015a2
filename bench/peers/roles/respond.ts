import { NO_FIGURES, runPeerRole } from '../peer-role.ts';
import { respondOverStreams } from './stream-requests.ts';

/** Answers each request with its own body until it is ended. */
await runPeerRole(async ({ stream, topology }, connect) => {
  const client = await connect();
  if (client.respond !== undefined) await client.respond(stream);
  else await respondOverStreams(client, await connect(), stream, topology.groups[0]!);
  return async () => NO_FIGURES;
});
