import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { TooManyLogins, Unauthenticated } from '@simplemq/protocol';
import type { AuditLog } from '../logs/audit-log.ts';
import { addressKey, BackOff } from './back-off.ts';
import { LoginQueue } from './login-queue.ts';
import { PasswordThread } from './password-thread.ts';
import { type isPassword, PASSWORD_LENGTH_MAX } from './passwords.ts';
import { findToken, isTokenLike } from './tokens.ts';
import { isUserName } from './user-record.ts';
import type { Login, User, Users } from './users.ts';

export interface Credentials {
  readonly user: string;
  /** Or a token. */
  readonly password: string;
  readonly address: string;
}

/** What tests put in the place of time. */
export interface LoginsOptions {
  readonly clock?: () => number;
  readonly isPassword?: typeof isPassword;
}

/** Passwords that may wait to be checked. As many take a few seconds, which is what a handshake has, where a core is free. */
const WAITING_MAX = 16;
const KEYS_MAX = 10_000;
const RETRY_FULL_MS = 1_000;

/**
 * Checks who comes. A token is checked at once. So is a password that was right before: it is remembered as a keyed hash,
 * so that a thousand clients that come back after a network failure need no thousand hashes. All other passwords go
 * through the queue, unless the user or the address has failed too often of late.
 */
export class Logins {
  readonly #users: Users;
  readonly #audit: AuditLog;
  /** Milliseconds that only go forward. */
  readonly #clock: () => number;
  readonly #thread = new PasswordThread();
  readonly #isPassword: typeof isPassword;
  readonly #queue = new LoginQueue(WAITING_MAX, () => this.#thread.workedMs);
  readonly #failedUsers = new BackOff({ free: 5, keysMax: KEYS_MAX });
  readonly #failedAddresses = new BackOff({ free: 20, keysMax: KEYS_MAX });
  readonly #key: Buffer = randomBytes(32);
  /** Of each user, the keyed hash of the password that was right, with what is kept of it on file. */
  readonly #remembered = new Map<string, Buffer>();

  constructor(users: Users, audit: AuditLog, options: LoginsOptions = {}) {
    this.#users = users;
    this.#audit = audit;
    this.#clock = options.clock ?? (() => performance.now());
    this.#isPassword = options.isPassword ?? this.#thread.isPassword.bind(this.#thread);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  /**
   * @param isWanted whether the client is still there
   * @throws Unauthenticated, which does not tell what was wrong; TooManyLogins
   */
  async check(credentials: Credentials, isWanted: () => boolean): Promise<Login> {
    const known = this.#checkAtOnce(credentials);
    if (known !== undefined) return known;
    const { user, address } = credentials;
    if (isTokenLike(credentials.password) || credentials.password.length > PASSWORD_LENGTH_MAX) {
      throw this.#wrong(credentials);
    }
    this.#checkBackOff(credentials);
    if (this.#queue.isFull) {
      this.#audit.loginRefused({ user, address, reason: 'too many wait' });
      throw new TooManyLogins(
        `${WAITING_MAX} logins wait for their passwords to be checked, as many as may; try again in a second, or log in ` +
          'with a token, which does not wait',
        { details: { retryAfterMs: RETRY_FULL_MS } },
      );
    }
    const login = await this.#queue.run(() => this.#checkInTurn(credentials), isWanted);
    // Whoever asked is not there any more.
    if (login === undefined)
      throw new Unauthenticated('the connection was closed before the password was checked');
    return login;
  }

  async #checkInTurn(credentials: Credentials): Promise<Login> {
    // Others with the same name, password or address may have come before it.
    const known = this.#checkAtOnce(credentials);
    if (known !== undefined) return known;
    this.#checkBackOff(credentials);
    const { password, address } = credentials;
    const user = this.#users.find(credentials.user);
    const record = user?.record.password;
    const isRight = await this.#isPassword(password, record);
    // The password may have been changed meanwhile.
    const now = this.#users.find(credentials.user);
    if (isRight && now !== undefined && now.record.password?.hash === record?.hash) {
      this.#remembered.set(now.name, this.#keyedHash(now, password));
      this.#failedUsers.succeeded(now.name);
      return { user: now, token: undefined };
    }
    const nowMs = this.#clock();
    this.#failedUsers.failed(userKey(credentials.user), nowMs);
    this.#failedAddresses.failed(addressKey(address), nowMs);
    throw this.#wrong(credentials);
  }

  #checkAtOnce({ user: name, password }: Credentials): Login | undefined {
    const user = this.#users.find(name);
    if (isTokenLike(password)) {
      const token = findToken(password, user?.record.tokens ?? [], Date.now());
      return user === undefined || token === undefined ? undefined : { user, token };
    }
    const remembered = this.#remembered.get(name);
    const isKnown =
      user !== undefined &&
      remembered !== undefined &&
      timingSafeEqual(remembered, this.#keyedHash(user, password));
    return isKnown ? { user, token: undefined } : undefined;
  }

  /** @throws TooManyLogins */
  #checkBackOff({ user, address }: Credentials): void {
    const nowMs = this.#clock();
    const ofUser = this.#failedUsers.waitMs(userKey(user), nowMs);
    const ofAddress = this.#failedAddresses.waitMs(addressKey(address), nowMs);
    const retryAfterMs = Math.ceil(Math.max(ofUser, ofAddress));
    if (retryAfterMs === 0) return;
    this.#audit.loginRefused({ user, address, reason: 'too many failures' });
    throw new TooManyLogins(
      `too many logins of ${ofUser >= ofAddress ? 'this user' : 'this address'} were wrong; try again in ` +
        `${(retryAfterMs / 1_000).toFixed(1)} s`,
      { details: { retryAfterMs } },
    );
  }

  /** With what is on file in it: when the password is changed, the old one is not the right one any more. */
  #keyedHash({ name, record }: User, password: string): Buffer {
    const text = JSON.stringify([name, record.password?.hash ?? '', password]);
    return createHmac('sha256', this.#key).update(text).digest();
  }

  #wrong({ user, address }: Credentials): Error {
    this.#audit.loginFailed({ user, address });
    return new Unauthenticated('the user, or the password or token, is wrong');
  }
}

/** What no user can be called counts as one, so that no more than names is kept. */
function userKey(name: string): string {
  return isUserName(name) ? name : '';
}
