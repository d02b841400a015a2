import { beginningOf, Forbidden, opcodeName } from '@simplemq/protocol';
import type { AuditLog } from '../logs/audit-log.ts';
import type { RequestContext } from '../session/requests/request.ts';
import type { User } from '../users/users.ts';
import { LimitedEngine } from './limited-engine.ts';
import { isMet, NEEDS, type Need } from './needs.ts';

export interface AccessOptions {
  readonly user: User;
  readonly address: string;
  readonly audit: AuditLog;
  /** What requests are carried out with where everything is allowed. */
  readonly context: RequestContext;
}

/**
 * What a user may do on one connection: the one place through which every request of a user goes. By the request's opcode
 * it finds what the request needs, and lends it an engine in which there are only the streams on which that is met.
 */
export class Access {
  readonly #options: AccessOptions;
  readonly #contexts = new Map<number, RequestContext>();

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** @throws Forbidden when nothing says what such a request needs */
  contextOf(opcode: number): RequestContext {
    const known = this.#contexts.get(opcode);
    if (known !== undefined) return known;
    const need = NEEDS.get(opcode);
    if (need === undefined) throw this.#refused(opcode, 'ask for this', undefined);
    const { context, user } = this.#options;
    if (need.isOfBroker && !user.grants.areAll) throw this.#refused(opcode, need.verb, undefined);
    const engine = new LimitedEngine(
      context.engine,
      (stream) => isMet(need, user.grants.on(stream)),
      (stream) => {
        throw this.#refused(opcode, verbOf(need, stream), stream);
      },
    );
    const limited = { ...context, engine };
    this.#contexts.set(opcode, limited);
    return limited;
  }

  #refused(opcode: number, what: string, stream: string | undefined): Error {
    const { audit, user, address } = this.#options;
    const request = opcodeName(opcode) ?? String(opcode);
    audit.requestRefused({ user: user.name, address, request, stream });
    return new Forbidden(
      `the user ${user.name} may not ${what}; who administers the broker can grant it ('simplemq user grant')`,
      {
        details: { request, ...(stream !== undefined && { stream: stream.slice(0, 300) }) },
      },
    );
  }
}

function verbOf({ verb }: Need, stream: string | undefined): string {
  if (stream === undefined) return verb;
  return `${verb} ${JSON.stringify(beginningOf(stream))}`;
}
