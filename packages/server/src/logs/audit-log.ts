import { beginningOf } from '@simplemq/protocol';
import type { Logger } from 'pino';

/** How long what repeats itself is added up before a line tells of it again. */
const SUM_MS = 5_000;
/** Different lines that are added up; past it only by who they are about, and past as many of those by what they are. */
const SUMS_MAX = 200;
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

interface Line {
  readonly event: string;
  readonly [field: string]: unknown;
}

interface Sum {
  readonly fields: Line;
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
    const event = 'login.failed';
    this.#warn({ event, user: shown(user), address }, 'a login failed', { event, address });
  }

  /** Its password was not looked at. Being refused so costs next to nothing: all of one reason are added up. */
  loginRefused({ user, address, reason }: WhoCame & { readonly reason: string }): void {
    const common = { event: 'login.refused', reason };
    this.#tell({ ...common, user: shown(user), address }, 'a login was refused unchecked', common);
  }

  requestRefused({ stream, ...fields }: RefusedRequest): void {
    const about = stream === undefined ? {} : { stream: shown(stream) };
    const event = 'request.refused';
    const { user } = fields;
    // Without the port, which is another one for each connection.
    const address = fields.address.replace(/:\d+$/, '');
    this.#warn({ event, ...fields, ...about }, 'a user was refused a request', { event, user, address });
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

  /** @param who what is added up when there are many different lines */
  #warn(fields: Line, line: string, who: Line = fields): void {
    const isKnown = this.#sums.has(JSON.stringify(fields));
    if (isKnown || this.#sums.size < SUMS_MAX) this.#tell(fields, line, fields);
    else if (this.#sums.has(JSON.stringify(who)) || this.#sums.size < 2 * SUMS_MAX) {
      this.#tell(fields, line, who);
    } else this.#tell(fields, line, { event: fields.event });
  }

  /** @param common what lines have in common that are added up */
  #tell(fields: Line, line: string, common: Line): void {
    const key = JSON.stringify(common);
    const sum = this.#sums.get(key);
    if (sum !== undefined) {
      sum.times++;
      return;
    }
    this.#logger.warn(fields, line);
    this.#sums.set(key, { fields: common, line, times: 0 });
    this.#timer ??= setTimeout(() => this.flush(), SUM_MS).unref();
  }
}

function shown(name: string): string {
  return beginningOf(name, NAME_SHOWN_MAX);
}
