import { Pattern } from '@simplemq/broker';
import { NAME_LENGTH_MAX, streamOfName } from '@simplemq/protocol';
import { bitsOf, type Right } from './rights.ts';

/** Rights on every stream whose whole name the pattern matches. */
export interface Grant {
  readonly pattern: string;
  readonly rights: readonly Right[];
}

/** The pattern that every name matches. */
const EVERY_STREAM = '.*';

/** Names that a user's rights are remembered for. */
const REMEMBERED_NAMES_MAX = 20_000;

/**
 * The rights of one user. Patterns are RE2 syntax, compiled once, and match from the beginning of a name to its end.
 * Dead letters belong to their stream: `$dead.orders` is asked for as `orders`.
 */
export class Grants {
  readonly #grants: readonly { readonly pattern: Pattern; readonly bits: number }[];
  readonly #remembered = new Map<string, number>();

  /** @throws InvalidPattern */
  constructor(grants: readonly Grant[]) {
    this.#grants = grants.map(({ pattern, rights }) => ({
      pattern: new Pattern(pattern),
      bits: bitsOf(rights),
    }));
    this.areAll = grants.some(({ pattern, rights }) => pattern === EVERY_STREAM && rights.includes('admin'));
  }

  /** Whether all is allowed, on every stream: what is asked of the broker as a whole needs that. */
  readonly areAll: boolean;

  /** The bits of all rights on a stream, whether there is one of that name or not. */
  on(stream: string): number {
    const known = this.#remembered.get(stream);
    if (known !== undefined) return known;
    // No stream has such a name, and what matching costs grows with it.
    if (stream.length > 2 * NAME_LENGTH_MAX) return 0;
    const owner = streamOfName(stream);
    let bits = 0;
    for (const grant of this.#grants) if (grant.pattern.matchesWhole(owner)) bits |= grant.bits;
    // Names come from clients: what is remembered of them has a limit, and begins anew past it.
    if (this.#remembered.size >= REMEMBERED_NAMES_MAX) this.#remembered.clear();
    this.#remembered.set(stream, bits);
    return bits;
  }
}

/** The pattern that matches one name and no other. */
export function patternOfName(stream: string): string {
  return stream.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
}
