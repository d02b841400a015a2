import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { anyDamage, type Damage, describeDamage, inflict, isCutBetweenRecords } from './damage.ts';
import { check, examine, type Outcome } from './examine.ts';
import { type Fixture, makeFixture } from './fixture.ts';
import { Random } from './random.ts';

export interface FlipsOptions {
  readonly flips: number;
  readonly seed: number;
  /** Only this one of them, by its number. */
  readonly only?: number;
  readonly onFlip?: (flip: Flip) => void;
}

export interface Flip {
  readonly number: number;
  readonly fixture: string;
  readonly damage: Damage;
  readonly outcome: Outcome;
  readonly said: string;
  readonly violations: readonly string[];
}

/** Of so many flips one is looked at by `check` too. */
const CHECKED_EVERY = 4;
const MEMORY_DISK = '/dev/shm';

/** Damages a data folder anew for each flip, in a way that the seed and the flip's number determine. */
export async function runFlips({ flips, seed, only, onFlip = () => {} }: FlipsOptions): Promise<Flip[]> {
  const root = mkdtempSync(join(tmpdir(), 'simplemq-flips-'));
  const scratch = mkdtempSync(join(scratchDisk(), 'simplemq-flips-'));
  const violated: Flip[] = [];
  try {
    const fixtures = await makeFixture(root, seed);
    const soonAt = Math.max(...fixtures.map(({ truth }) => truth.soonAt));
    await sleep(Math.max(0, soonAt - Date.now()));
    const numbers = only === undefined ? Array.from({ length: flips }, (_, index) => index) : [only];
    for (const number of numbers) {
      const flip = await flipOne(fixtures, { folder: join(scratch, 'data'), seed, number });
      onFlip(flip);
      if (flip.violations.length > 0) violated.push(flip);
    }
    return violated;
  } finally {
    rmSync(root, { recursive: true, force: true });
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function flipOne(
  fixtures: readonly Fixture[],
  { folder, seed, number }: { folder: string; seed: number; number: number },
): Promise<Flip> {
  const random = new Random(Math.imul(seed, 0x9e3779b1) + number);
  const fixture = random.pick(fixtures);
  rmSync(folder, { recursive: true, force: true });
  cpSync(fixture.path, folder, { recursive: true });
  let damage = anyDamage(folder, random);
  // What is cut off between two records is as if it had never been written.
  while (isCutBetweenRecords(folder, damage) || !inflict(folder, damage)) damage = anyDamage(folder, random);
  const checked = number % CHECKED_EVERY === 0 ? await check(folder) : undefined;
  const { outcome, said, violations } = await examine(folder, fixture.truth);
  const more = [...violations];
  if (checked?.finds === false && outcome !== 'whole')
    more.push(`check finds nothing, but it was ${outcome}: ${said}`);
  return { number, fixture: fixture.name, damage, outcome, said, violations: more };
}

function scratchDisk(): string {
  try {
    const folder = mkdtempSync(join(MEMORY_DISK, 'simplemq-flips-'));
    rmSync(folder, { recursive: true });
    return MEMORY_DISK;
  } catch {
    return tmpdir();
  }
}

export function describeFlip({ number, fixture, damage, outcome, said, violations }: Flip): string {
  const lines = violations.slice(0, 5).map((violation) => `    ${violation}`);
  return `flip ${number}, ${fixture}: ${describeDamage(damage)}: ${outcome} ${said}\n${lines.join('\n')}`;
}
