/** What a user may do with a stream. Each is a bit, so that what several grants give is one number. */
export const RIGHT_BITS = {
  /** Publish to it. */
  publish: 1,
  /** Follow it, read it, look at what of it is pending, delayed or dead. */
  follow: 2,
  /** Create, change, purge and delete it, its groups, its dead letters. */
  manage: 4,
  /** All that there is, and all that there will be. */
  admin: 15,
} as const;

export type Right = keyof typeof RIGHT_BITS;

export const RIGHTS: readonly Right[] = Object.keys(RIGHT_BITS) as Right[];

/** Words for rights that often go together. */
const ROLES: Readonly<Record<string, readonly Right[]>> = {
  publisher: ['publish'],
  follower: ['follow'],
  worker: ['publish', 'follow'],
  owner: ['publish', 'follow', 'manage'],
};

export const ROLE_NAMES: readonly string[] = Object.keys(ROLES);

/** The rights that a list of rights and roles stands for, as 'publish,follow'; undefined when a word is neither. */
export function rightsOf(words: string): readonly Right[] | undefined {
  const rights = new Set<Right>();
  for (const word of words.split(',').map((part) => part.trim())) {
    const meant = isRight(word) ? [word] : Object.hasOwn(ROLES, word) ? ROLES[word] : undefined;
    if (meant === undefined) return undefined;
    for (const right of meant) rights.add(right);
  }
  return RIGHTS.filter((right) => rights.has(right));
}

export function bitsOf(rights: readonly Right[]): number {
  return rights.reduce((bits, right) => bits | RIGHT_BITS[right], 0);
}

function isRight(word: string): word is Right {
  return Object.hasOwn(RIGHT_BITS, word);
}
