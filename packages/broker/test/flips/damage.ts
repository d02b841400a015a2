import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Segment } from '../../src/store/journal/segment.ts';
import { metasOf } from '../../src/store/journal/segment-records.ts';
import type { Random } from './random.ts';

/** Something that a disk did to a file. */
export interface Damage {
  readonly file: string;
  readonly kind: 'bit' | 'sector' | 'truncated';
  readonly byte: number;
  readonly bit: number;
}

const SECTOR_BYTES = 512;
/** Of so many, the others are single bits. */
const TRUNCATED = 0.05;
const SECTORS = 0.15;
const ANY_BYTE = 0.05;
const TRIES_MAX = 100;

/** What may happen to one of the files of a data folder; each file as often, for most of them are small. */
export function anyDamage(folder: string, random: Random): Damage {
  const file = random.pick(readdirSync(folder).sort());
  const descriptor = openSync(join(folder, file), 'r');
  const { size } = fstatSync(descriptor);
  closeSync(descriptor);
  const which = random.below(1000) / 1000;
  const kind = which < TRUNCATED ? 'truncated' : which < TRUNCATED + SECTORS ? 'sector' : 'bit';
  const byte = someByte(join(folder, file), size, random);
  const at = kind === 'sector' ? byte - (byte % SECTOR_BYTES) : byte;
  return { file, kind, byte: at, bit: random.below(8) };
}

/** Mostly one that is not zero: much of these files is empty. */
function someByte(path: string, size: number, random: Random): number {
  const bytes = readFileSync(path);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const byte = random.below(Math.max(1, size));
    if (bytes[byte] !== 0 || random.chance(ANY_BYTE)) return byte;
  }
  return random.below(Math.max(1, size));
}

const SEGMENT = /^simplemq\.journal-(\d+)$/;

/** Whether it cuts a segment of the journal where one of its records ends. */
export function isCutBetweenRecords(folder: string, { file, kind, byte }: Damage): boolean {
  const id = SEGMENT.exec(file)?.[1];
  if (kind !== 'truncated' || id === undefined) return false;
  const segment = Segment.open(join(folder, file), Number(id), 'r');
  if (segment === undefined) return false;
  const ends = [...metasOf(segment, 0)].map(({ position, dataBytes }) => position + dataBytes);
  segment.close();
  return ends.includes(byte);
}

/** @returns whether the file is another one for it */
export function inflict(folder: string, { file, kind, byte, bit }: Damage): boolean {
  const descriptor = openSync(join(folder, file), 'r+');
  try {
    const { size } = fstatSync(descriptor);
    if (kind === 'truncated') {
      ftruncateSync(descriptor, byte);
      return byte < size;
    }
    const length = kind === 'bit' ? 1 : SECTOR_BYTES;
    const was = Buffer.alloc(length);
    const read = readSync(descriptor, was, 0, length, byte);
    const is = Buffer.from(was.subarray(0, read));
    if (kind === 'bit') is[0] = (is[0] ?? 0) ^ (1 << bit);
    else is.fill(0);
    writeSync(descriptor, is, 0, read, byte);
    return !is.equals(was.subarray(0, read));
  } finally {
    closeSync(descriptor);
  }
}

export function describeDamage({ file, kind, byte, bit }: Damage): string {
  if (kind === 'bit') return `bit ${bit} of byte ${byte} of ${file}`;
  return kind === 'sector' ? `zeros from byte ${byte} of ${file}` : `${file} cut at byte ${byte}`;
}
