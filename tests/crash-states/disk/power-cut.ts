import { crc32 } from 'node:zlib';
import { Random } from '../../fuzz/random.ts';
import { type Disk, type NameChange, type Names, parentOf, rename } from './disk.ts';
import type { Inode } from './inode.ts';
import { TEARS, type Tear, type TornFile, tear } from './torn-file.ts';

/** What a power cut leaves of the names that were changed and not synced. */
const NAME_LOSSES = ['none', 'all', 'in order', 'any'] as const;
type NameLoss = (typeof NAME_LOSSES)[number];

/** A state that a power cut may leave a disk in. */
export interface PowerCut {
  readonly names: Names;
  /** Files that differ from what is on the disk for certain. */
  readonly torn: ReadonlyMap<Inode, TornFile>;
  /** The same for two cuts that leave the same. */
  readonly signature: string;
  /** For people. */
  readonly text: string;
}

/** A random one of the states that a power cut may leave now; docs/decisions/crash-model.md says which there are. */
export function cutPower(disk: Disk, random: Random): PowerCut {
  const whole = random.below(100);
  // Nothing but what was synced, and everything, are states of interest by themselves.
  const only: 'none' | 'all' | undefined = whole < 10 ? 'none' : whole < 20 ? 'all' : undefined;
  const kept: NameLoss = only ?? random.pick(NAME_LOSSES);
  return stateOf(namesAfter(disk, kept, random), () => only ?? random.pick(TEARS), random);
}

function stateOf({ names: named, text }: NamesAfter, howTorn: () => Tear, random: Random): PowerCut {
  const names = new Map(named);
  // What was in a folder that is not there is not there either.
  for (const path of named.keys()) if (!named.has(parentOf(path))) names.delete(path);
  const told = [text];
  const torn = new Map<Inode, TornFile>();
  const signature: (string | number)[] = [];
  for (const [path, inode] of names) {
    signature.push(path, inode.id, inode.version);
    if (inode.isFolder || inode.pending.length === 0) continue;
    const how = howTorn();
    const file = tear(inode, how, random);
    torn.set(inode, file);
    signature.push(crc32(new Uint8Array(Float64Array.from(file.choices).buffer)));
    told.push(`${path}: ${how} of ${inode.pending.length} changes, ${file.length} bytes`);
  }
  return { names, torn, signature: signature.join(' '), text: told.join('; ') };
}

/** What a process that is killed leaves: all that it did. */
export function killProcess(disk: Disk): PowerCut {
  return stateOf({ names: disk.currentNames, text: 'all that was done' }, () => 'all', new Random(0));
}

/** The least that a power cut may leave: what was synced. */
export function loseUnsynced(disk: Disk): PowerCut {
  return stateOf({ names: disk.durableNames, text: 'what was synced' }, () => 'none', new Random(0));
}

interface NamesAfter {
  readonly names: Names;
  readonly text: string;
}

function namesAfter(disk: Disk, how: NameLoss, random: Random): NamesAfter {
  const names = new Map(disk.durableNames);
  const kept = keptOf(disk.pendingNames, how, random);
  for (const change of kept) rename(names, change);
  return { names, text: `${kept.length} of ${disk.pendingNames.length} changes of names (${how})` };
}

/** A change without one before it that is of the same file or name makes no sense. */
function keptOf(changes: readonly NameChange[], how: NameLoss, random: Random): readonly NameChange[] {
  if (how === 'none') return [];
  if (how === 'all') return changes;
  if (how === 'in order') return changes.slice(0, random.below(changes.length + 1));
  const lost = new Set<Inode | string>();
  return changes.filter(({ names, inode }) => {
    const isKept = !lost.has(inode) && !names.some(({ path }) => lost.has(path)) && random.below(2) === 0;
    if (isKept) return true;
    lost.add(inode);
    for (const { path } of names) lost.add(path);
    return false;
  });
}
