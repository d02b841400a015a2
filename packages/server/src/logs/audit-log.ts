import type { Logger } from 'pino';

/** How long what repeats itself is added up before a line tells of it again. */
const SUM_MS = 5_000;
/** Different lines that are added up; past it they are told sooner. */
const SUMS_MAX = 1_000;
/** What a client calls itself can be long, and wrong. */
const NAME_SHOWN_MAX = 300;

export interface WhoCame {
  readonly user: string;
  readonly address: string;
}

/** A request that the user has no right to. */
export interface RefusedRequest extends WhoCame {
  readonly request: string;
  readonly stream: string | undefined;
}

export interface UserChange {
  readonly change: 'added' | 'changed' | 'removed';
  readonly user: string;
}

interface Sum {
  readonly fields: object;
  readonly line: string;
  times: number;
}

/**
 * Lines that say who came and what was refused. Each has a field `event` that stays the same over versions, for programs
 * to look for; none has a secret, nor anything made of one. What a client could repeat without end is told at once, and
 * from then on added up: `times` in a line every few seconds.
 */
export class AuditLog {
  readonly #logger: Logger;
  readonly #sums = new Map<string, Sum>();
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  loginOk(fields: WhoCame & { readonly connection: number; readonly token: string | undefined }): void {
    this.#logger.info({ event: 'login.ok', ...fields }, 'a user logged in');
  }

  loginFailed({ user, address }: WhoCame): void {
    this.#warn({ event: 'login.failed', user: shown(user), address }, 'a login failed');
  }

  /** Its password was not looked at. Being refused so costs next to nothing: all of one reason are added up. */
  loginRefused({ user, address, reason }: WhoCame & { readonly reason: string }): void {
    const common = { event: 'login.refused', reason };
    this.#warn({ ...common, user: shown(user), address }, 'a login was refused unchecked', common);
  }

  requestRefused({ stream, ...fields }: RefusedRequest): void {
    const about = stream === undefined ? {} : { stream: shown(stream) };
    this.#warn({ event: 'request.refused', ...fields, ...about }, 'a user was refused a request');
  }

  userChanged({ change, user }: UserChange): void {
    this.#logger.info({ event: `user.${change}`, user }, `a user was ${change}`);
  }

  usersNotRead(error: Error): void {
    this.#warn({ event: 'users.unreadable', reason: error.message }, 'the users stay as they were');
  }

  certificatesReloaded(): void {
    this.#logger.info({ event: 'tls.reloaded' }, 'new connections get the new certificate');
  }

  certificatesNotRead(error: Error): void {
    this.#warn({ event: 'tls.unreadable', reason: error.message }, 'the certificate stays as it was');
  }

  certificateWarning(reason: string): void {
    this.#logger.warn({ event: 'tls.warning', reason }, 'the certificate needs a look');
  }

  /** Tells what has been added up. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { fields, line, times } of this.#sums.values()) {
      if (times > 0) this.#logger.warn({ ...fields, times }, `${line}, again`);
    }
    this.#sums.clear();
  }

  /** @param common what lines have in common that are added up */
  #warn(fields: object, line: string, common: object = fields): void {
    const key = JSON.stringify(common);
    const sum = this.#sums.get(key);
    if (sum !== undefined) {
      sum.times++;
      return;
    }
    this.#logger.warn(fields, line);
    this.#sums.set(key, { fields: common, line, times: 0 });
    if (this.#sums.size >= SUMS_MAX) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), SUM_MS).unref();
  }
}

/** The beginning of it, copied: a part of a string keeps all of it in memory. */
function shown(name: string): string {
  return name.length > NAME_SHOWN_MAX ? `${Buffer.from(name.slice(0, NAME_SHOWN_MAX)).toString()}…` : name;
}
