import type { Random } from '../../fuzz/random.ts';
import { type Change, type Inode, lengthAfter } from './inode.ts';

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512;
/** What an operating system writes at a time, mostly. */
export const PAGE_BYTES = 4096;
const SECTORS_IN_PAGE: number = PAGE_BYTES / SECTOR_BYTES;

/** What of a file's unsynced changes a power cut leaves. */
export const TEARS = ['none', 'all', 'prefix', 'sectors', 'pages', 'writes'] as const;
export type Tear = (typeof TEARS)[number];

/** A file that differs from its durable bytes. */
export interface TornFile {
  readonly length: number;
  /** From here on there are zeros, where no patch is; the length of the durable bytes, or less. */
  readonly zerosFrom: number;
  readonly patches: readonly { readonly offset: number; readonly bytes: Buffer }[];
  /** What was chosen, in a number or two for each sector that was written. */
  readonly choices: readonly number[];
}

/** Which of its pending writes touch each sector, by their index. */
type Touched = ReadonlyMap<number, readonly number[]>;

interface Known {
  readonly count: number;
  readonly last: number;
  readonly touched: Touched;
}

const known = new WeakMap<Inode, Known>();

/**
 * A sector has the bytes of some moment since the last sync, each its own: so writes are kept, dropped and torn, and come
 * in any order. Bytes that two writes put into one sector come together, as a page cache writes out what is in it. The
 * length is one that the file had.
 */
export function tear(inode: Inode, how: Tear, random: Random): TornFile {
  const { pending, durable } = inode;
  const touched = touchedIn(inode);
  const cut = random.below(pending.length + 1);
  const kept = pending.map((change, index) => keeps(how, change, index, cut, random));
  const versionOf = versions(how, { pending, touched, kept, cut, random });
  const shrinks = shrinksIn(inode).filter((index) => kept[index]);
  const patches: { offset: number; bytes: Buffer }[] = [];
  const choices: number[] = [];
  for (const [sector, writes] of touched) {
    const version = versionOf(sector, writes);
    choices.push(version);
    if (version > 0) patches.push(patchOf(inode, sector, writes.slice(0, version), shrinks));
  }
  const zerosFrom = shrinks.reduce(
    (least, index) => Math.min(least, lengthOf(pending[index]!)),
    durable.length,
  );
  const length = chooseLength(inode, how, cut, random);
  choices.push(length, zerosFrom);
  return { length, zerosFrom, patches, choices };
}

function keeps(how: Tear, change: Change, index: number, cut: number, random: Random): boolean {
  if (how === 'none') return false;
  if (how === 'all') return true;
  if (how === 'prefix') return index < cut;
  return how === 'writes' || !('bytes' in change) ? random.below(2) === 0 : false;
}

interface Choice {
  readonly pending: readonly Change[];
  readonly touched: Touched;
  readonly kept: readonly boolean[];
  readonly cut: number;
  readonly random: Random;
}

/** How many of the writes that touch it a sector has. */
function versions(how: Tear, choice: Choice): (sector: number, writes: readonly number[]) => number {
  const { kept, cut, random, touched } = choice;
  if (how === 'sectors') return (_, writes) => random.below(writes.length + 1);
  if (how === 'pages') return pageVersions(touched, random);
  return (_, writes) => {
    const whole = writes.findLastIndex((index) => kept[index]) + 1;
    // The write that the cut came in is torn anywhere.
    const isTorn = how === 'prefix' && writes[whole] === cut && random.below(2) === 0;
    return isTorn ? whole + 1 : whole;
  };
}

/** All sectors of a page are of one moment. */
function pageVersions(
  touched: Touched,
  random: Random,
): (sector: number, writes: readonly number[]) => number {
  const moments = new Map<number, number>();
  return (sector, writes) => {
    const page = Math.floor(sector / SECTORS_IN_PAGE);
    let moment = moments.get(page);
    if (moment === undefined) {
      const all = new Set<number>();
      for (let i = 0; i < SECTORS_IN_PAGE; i++) {
        for (const index of touched.get(page * SECTORS_IN_PAGE + i) ?? []) all.add(index);
      }
      moment = random.pick([-1, ...all]);
      moments.set(page, moment);
    }
    return writes.filter((index) => index <= moment).length;
  };
}

/** The bytes of a sector with these writes, and all changes of length before, between and after them. */
function patchOf(
  { pending, durable }: Inode,
  sector: number,
  writes: readonly number[],
  shrinks: readonly number[],
): { offset: number; bytes: Buffer } {
  const offset = sector * SECTOR_BYTES;
  const bytes = Buffer.alloc(SECTOR_BYTES);
  bytes.set(durable.subarray(offset, offset + SECTOR_BYTES));
  for (const index of [...writes, ...shrinks].sort((a, b) => a - b)) {
    const change = pending[index]!;
    if (!('bytes' in change)) {
      if (change.length < offset + SECTOR_BYTES) bytes.fill(0, Math.max(0, change.length - offset));
      continue;
    }
    const start = Math.max(change.offset, offset);
    const end = Math.min(change.offset + change.bytes.length, offset + SECTOR_BYTES);
    change.bytes.copy(bytes, start - offset, start - change.offset, end - change.offset);
  }
  return { offset, bytes };
}

function chooseLength({ pending, durable }: Inode, how: Tear, cut: number, random: Random): number {
  const lengths = [durable.length];
  for (const change of pending) lengths.push(lengthAfter(lengths.at(-1)!, change));
  if (how === 'none') return durable.length;
  if (how === 'all') return lengths.at(-1)!;
  if (how === 'prefix') return random.pick([lengths[cut]!, lengths[Math.min(cut + 1, pending.length)]!]);
  return random.below(2) === 0 ? lengths.at(-1)! : random.pick([...new Set(lengths)]);
}

function shrinksIn({ pending, durable }: Inode): number[] {
  const shrinks: number[] = [];
  let length = durable.length;
  for (const [index, change] of pending.entries()) {
    const next = lengthAfter(length, change);
    if (next < length) shrinks.push(index);
    length = next;
  }
  return shrinks;
}

function lengthOf(change: Change): number {
  return 'bytes' in change ? Number.POSITIVE_INFINITY : change.length;
}

function touchedIn(inode: Inode): Touched {
  const { pending } = inode;
  const last = pending.at(-1)?.number ?? 0;
  const before = known.get(inode);
  if (before?.count === pending.length && before.last === last) return before.touched;
  const touched = new Map<number, number[]>();
  for (const [index, change] of pending.entries()) {
    if (!('bytes' in change)) continue;
    const end = Math.ceil((change.offset + change.bytes.length) / SECTOR_BYTES);
    for (let sector = Math.floor(change.offset / SECTOR_BYTES); sector < end; sector++) {
      const writes = touched.get(sector);
      if (writes === undefined) touched.set(sector, [index]);
      else writes.push(index);
    }
  }
  known.set(inode, { count: pending.length, last, touched });
  return touched;
}
