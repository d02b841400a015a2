/** The fields of `T` with those that may be left out spelled as undefined. */
type Spelled<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? T[K] | undefined : T[K];
};

/** `fields` without those that are undefined: an optional field that has no value is not there at all. */
export function present<T extends object>(fields: Spelled<T>): T {
  const found: Record<string, unknown> = {};
  for (const name in fields) {
    if (fields[name] !== undefined) found[name] = fields[name];
  }
  return found as T;
}
