import { ConnectionLost, RequestTimeout, type SimpleMQError, type Welcome } from '@simplemq/protocol';
import type { Link, LinkUser } from './link.ts';
import { TIMER_MS_MAX } from './options.ts';
import type { Session } from './session.ts';

/** Resolves when the link has a session, to what the server told at its beginning. */
export function openSession(link: Link): Promise<Welcome> {
  if (link.session !== undefined) return Promise.resolve(link.session.welcome);
  if (link.closed) return Promise.reject(new ConnectionLost('the connection was closed'));
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      link.remove(user);
      settle();
      link.release();
    };
    const timeoutMs = link.settings.requestTimeoutMs;
    const timer = setTimeout(
      () => {
        const error = new RequestTimeout(
          `no session could be opened within ${timeoutMs} ms (requestTimeoutMs)`,
        );
        finish(() => reject(error));
        // The link's own deadline is the same and tells more: it comes first while it never had a session.
      },
      Math.min(TIMER_MS_MAX, timeoutMs + 100),
    );
    const user: LinkUser = {
      opened: (session: Session) => finish(() => resolve(session.welcome)),
      lost: () => undefined,
      failed: (error: SimpleMQError) => finish(() => reject(error)),
    };
    link.add(user);
    link.hold();
  });
}
