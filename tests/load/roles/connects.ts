import { RawPeer } from '@simplemq/testkit';
import { runRole } from '../role.ts';

const TICK_MS = 10;

/** So many clients a second that connect, say HELLO, and go when they are welcome. */
await runRole<{ readonly port: number; readonly perSecond: number }>(async ({ port, perSecond }) => {
  let begun = 0;
  let welcome = 0;
  let failed = 0;
  const open = new Set<Promise<void>>();
  const connect = async (): Promise<void> => {
    try {
      const peer = await RawPeer.open({ port });
      welcome++;
      await peer.close();
    } catch {
      failed++;
    }
  };
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * perSecond;
    for (; begun < due; begun++) {
      const one = connect().finally(() => open.delete(one));
      open.add(one);
    }
  }, TICK_MS);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      const seconds = (performance.now() - startedAt) / 1_000;
      return { welcome, failed, welcomeASecond: Math.round(welcome / seconds) };
    },
  };
});
