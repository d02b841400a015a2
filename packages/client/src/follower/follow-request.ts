import {
  decodeFollowing,
  encodeFollow,
  type Follow,
  type Following,
  Opcode,
  type SimpleMQError,
} from '@simplemq/protocol';
import type { Session } from '../connection/session.ts';
import { endsBroker } from './broker-ends.ts';
import type { SourceOptions } from './message-source.ts';

export interface FollowHandlers {
  /** The first credit; asked for each time that FOLLOW is sent. */
  credit(): Pick<Follow, 'upTo' | 'bytesUpTo'>;
  following(session: Session, reply: Following): void;
  /** The broker refuses, and would again. */
  refused(error: SimpleMQError): void;
}

/** Asks to follow on one session after the other. */
export class FollowRequest {
  readonly #options: SourceOptions<unknown>;
  readonly #handlers: FollowHandlers;
  /** Its group was as asked once. */
  #hasFollowed = false;

  constructor(options: SourceOptions<unknown>, handlers: FollowHandlers) {
    this.#options = options;
    this.#handlers = handlers;
  }

  /** Settles when it was answered, or cannot be any more. */
  send(session: Session): Promise<void> {
    return new Promise((resolve) => this.#send(session, true, resolve));
  }

  #send(session: Session, asWished: boolean, done: () => void): void {
    const { bind, group, leaseMs, wireGroup } = this.#options;
    const follow = {
      bind,
      ...(group !== undefined && { group }),
      ...(leaseMs !== undefined && { leaseMs }),
      ...(asWished && wireGroup),
      ...this.#handlers.credit(),
    };
    const requester = {
      answered: (payload: Buffer) => {
        this.#handlers.following(session, decodeFollowing(payload));
        this.#hasFollowed = true;
        done();
      },
      refused: (error: SimpleMQError) => {
        // Options that were changed since it first followed are no reason to stop: it takes the group as it is.
        if (asWished && this.#hasFollowed && error.code === 'StreamConflict') {
          this.#send(session, false, done);
          return;
        }
        if (!session.closed && !endsBroker(error)) this.#handlers.refused(error);
        done();
      },
    };
    session.request(Opcode.Follow, requester, (id) => encodeFollow(id, follow));
  }
}
