import { Random } from '../fuzz/random.ts';

/**
 * Random numbers for one matter of a run, by what it is about: they are the same whatever else happens, so that a case
 * from which commands were taken out goes on as much as before as it can.
 */
export function derived(seed: number, ...about: readonly (string | number)[]): Random {
  let hash = seed ^ 0x811c9dc5;
  for (const part of about) {
    const text = String(part);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 0x2f, 0x01000193);
  }
  return new Random(hash);
}

/** Whether it happens, as it does in `percent` of a hundred cases. */
export function happens(random: Random, percent: number): boolean {
  return random.below(1_000) < percent * 10;
}

/** A number of milliseconds from `least` to `most`, in hundredths. */
export function between(random: Random, least: number, most: number): number {
  return least + random.below(Math.round((most - least) * 100) + 1) / 100;
}
