import { count } from './amounts.ts';

/** What a list that was cut ends with; nothing where all was shown. */
export function moreThan(found: number, limit: number): string {
  return found > limit ? `\nthere are more than these ${count(limit)}; --limit shows more\n` : '';
}
