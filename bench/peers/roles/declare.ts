import { NO_FIGURES, runPeerRole } from '../peer-role.ts';

/** Creates what the scenario needs, over a connection that goes again. */
await runPeerRole(async (_, connect) => {
  const client = await connect();
  return async () => {
    await client.declare();
    return NO_FIGURES;
  };
});
