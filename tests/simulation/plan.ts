import type { Attributes, GroupOptions, StreamOptions, WireBind } from '@simplemq/protocol';
import type { Random } from '../fuzz/random.ts';
import { between, derived, happens } from './derived.ts';

export interface StreamPlan {
  readonly name: string;
  readonly options: StreamOptions;
  readonly groups: readonly string[];
}

export interface FollowerPlan {
  readonly name: string;
  readonly bind: WireBind;
  readonly group: string;
  readonly leaseMs: number;
  readonly credit: number;
  /** It takes up to so long for a message. */
  readonly paceMs: number;
  /** It acks everything. */
  readonly isSteady: boolean;
}

/** Something that happens to the broker or its clients, at a time. */
export type Command = { readonly at: number } & (
  | {
      readonly kind: 'publish';
      readonly publisher: number;
      readonly bind: WireBind;
      readonly records: readonly Attributes[];
    }
  | { readonly kind: 'crash' | 'restart'; readonly downMs: number }
  | { readonly kind: 'cut'; readonly client: number }
  | {
      readonly kind: 'full';
      readonly level: 'messages' | 'all';
      readonly slowness: number;
      readonly forMs: number;
    }
  | { readonly kind: 'slow'; readonly forMs: number }
  | { readonly kind: 'fail'; readonly isApplied: boolean }
  | { readonly kind: 'leave' | 'comeBack'; readonly follower: number }
  | { readonly kind: 'purge' | 'redrive' | 'recreate'; readonly stream: number }
  | {
      readonly kind: 'reset';
      readonly stream: number;
      readonly group: number;
      readonly startFrom: 'first' | 'new' | { readonly sequence: number };
    }
  | {
      readonly kind: 'updateGroup';
      readonly stream: number;
      readonly group: number;
      readonly options: GroupOptions;
    }
  | { readonly kind: 'deleteGroup'; readonly stream: number; readonly group: number }
  | { readonly kind: 'read'; readonly stream: number; readonly from: number; readonly limit: number }
  | { readonly kind: 'setClock'; readonly byMs: number }
  | { readonly kind: 'saveSchedule'; readonly name: string; readonly stream: number }
  | { readonly kind: 'pauseSchedule' | 'resumeSchedule' | 'deleteSchedule'; readonly name: string }
  | { readonly kind: 'look' }
);

/** What a run is to be: the same for the same seed. */
export interface Plan {
  readonly seed: number;
  readonly cacheBytesMax: number;
  readonly groups: Readonly<Record<string, GroupOptions>>;
  readonly streams: readonly StreamPlan[];
  /** Those that end with their broker. */
  readonly memory: readonly StreamPlan[];
  /** Where the messages of transactions go. */
  readonly results: string;
  readonly publishers: number;
  readonly followers: readonly FollowerPlan[];
  readonly commands: readonly Command[];
}

/** How long commands come, in ms. */
const ACTIVE_MS = 2_000;
const PUBLISHES_MIN = 12;
const PUBLISHES_MAX = 20;
/** Of a hundred runs so many have more of it. */
const LARGE_PERCENT = 10;
const PUBLISHES_LARGE = 60;
const WORKERS = 'workers';

export function planOf(seed: number): Plan {
  const random = derived(seed, 'plan');
  const groups = groupsOf(random);
  const streams = limited(derived(seed, 'limits'), streamsOf(random, Object.keys(groups)));
  const publishers = 1 + random.below(2);
  const followers = followersOf(random, streams);
  const commands: Command[] = [
    ...publishesOf(random, streams, publishers),
    ...faultsOf(random, publishers + followers.length),
    ...changesOf(random, streams, followers.length),
    ...replaysOf(derived(seed, 'replays'), streams),
    ...schedulesOf(derived(seed, 'schedules'), streams),
  ];
  commands.push(...groupChangesOf(derived(seed, 'groups'), streams, followers, commands));
  const memory = memoryOf(derived(seed, 'memory'), Object.keys(groups));
  for (const stream of memory)
    commands.push(...memoryCommandsOf(derived(seed, 'memory commands'), stream, publishers));
  commands.sort((a, b) => a.at - b.at);
  return {
    seed,
    cacheBytesMax: happens(random, 50) ? 200 : 1_000_000,
    groups,
    streams,
    memory,
    results: RESULTS,
    publishers,
    followers: [...followers, ...followersOf(derived(seed, 'memory followers'), memory)],
    commands,
  };
}

const RESULTS = 'results';

function groupsOf(random: Random): Record<string, GroupOptions> {
  const groups: Record<string, GroupOptions> = { [WORKERS]: groupOptions(random) };
  if (happens(random, 60)) groups.audit = groupOptions(random);
  return groups;
}

function groupOptions(random: Random): GroupOptions {
  return {
    retry: {
      maxDeliveries: random.pick([2, 3, 20, 20]),
      delayMs: random.pick([0, 5, 50]),
      maxDelayMs: 200,
      jitter: random.pick([0, 0.5]),
    },
    ...(happens(random, 25) && { ordering: 'key' }),
    ...(happens(random, 10) && { ratePerSecond: 200 }),
    ...(happens(random, 10) && { exclusive: true }),
    ...(happens(random, 15) && { yieldEvery: 2 }),
    ...(happens(random, 20) && { deadLetterExpired: true }),
  };
}

function streamsOf(random: Random, groups: readonly string[]): StreamPlan[] {
  const names = ['orders', 'bills', 'mails'].slice(0, random.pick([1, 1, 2, 3]));
  const streams = names.map((name) => {
    const own = groups.filter((group) => group === WORKERS || happens(random, 70));
    return { name, options: streamOptions(random), groups: own };
  });
  return [...streams, { name: RESULTS, options: {}, groups: [WORKERS] }];
}

function streamOptions(random: Random): StreamOptions {
  const isLimited = happens(random, 20);
  return {
    retention: happens(random, 75) ? 'work' : 'log',
    ...(isLimited && { maxMessages: 20, overflow: random.pick(['reject', 'drop-oldest']) }),
    ...(happens(random, 20) && { dedupWindowMs: random.pick([0, 4_000]) }),
  };
}

const IN_MEMORY_PERCENT = 20;

function memoryOf(random: Random, groups: readonly string[]): StreamPlan[] {
  if (!happens(random, IN_MEMORY_PERCENT)) return [];
  const retention = happens(random, 75) ? 'work' : 'log';
  const own = groups.filter((group) => group === WORKERS || happens(random, 50));
  return [{ name: 'memos', options: { storage: 'memory', retention }, groups: own }];
}

function memoryCommandsOf(random: Random, { name }: StreamPlan, publishers: number): Command[] {
  const habits = { isKeyed: happens(random, 50), isMixed: happens(random, 60) };
  return Array.from({ length: 3 + random.below(5) }, () => {
    const records = Array.from({ length: sizeOf(random) }, () => attributesOf(random, habits));
    const publisher = random.below(publishers);
    return { kind: 'publish', at: at(random), publisher, bind: { stream: name }, records };
  });
}

const AGED_PERCENT = 5;
const BY_BYTES_PERCENT = 3;

/** Some of the streams have more limits. */
function limited(random: Random, streams: readonly StreamPlan[]): StreamPlan[] {
  return streams.map(({ options, ...stream }) => {
    if (stream.name === RESULTS) return { ...stream, options };
    const aged: StreamOptions = happens(random, AGED_PERCENT) ? { maxAgeMs: random.pick([200, 900]) } : {};
    const byBytes: StreamOptions =
      happens(random, BY_BYTES_PERCENT) && options.overflow === undefined
        ? { maxBytes: 300, overflow: 'drop-oldest' }
        : {};
    return { ...stream, options: { ...options, ...aged, ...byBytes } };
  });
}

function followersOf(random: Random, streams: readonly StreamPlan[]): FollowerPlan[] {
  const followers: FollowerPlan[] = [];
  for (const { name, groups } of streams) {
    for (const group of groups) {
      const count = 1 + random.below(2);
      for (let i = 0; i < count; i++) {
        const isByPattern = group === WORKERS && happens(random, 10);
        followers.push({
          name: `${group}-${name}-${i}`,
          bind: isByPattern ? { pattern: '^[a-z]' } : { stream: name },
          group,
          leaseMs: random.pick([100, 200, 1_000]),
          credit: random.pick([1, 3, 10, 200]),
          paceMs: random.pick([1, 5, 30]),
          isSteady: happens(random, 20),
        });
      }
    }
  }
  return followers;
}

function publishesOf(random: Random, streams: readonly StreamPlan[], publishers: number): Command[] {
  const most = happens(random, LARGE_PERCENT) ? PUBLISHES_LARGE : PUBLISHES_MAX;
  const count = PUBLISHES_MIN + random.below(most - PUBLISHES_MIN);
  const habits = { isKeyed: happens(random, 50), isMixed: happens(random, 60) };
  return Array.from({ length: count }, () => {
    const bind = happens(random, 10)
      ? { pattern: random.pick(['^[obm]', 's$']) }
      : { stream: random.pick(streams.slice(0, -1)).name };
    const records = Array.from({ length: sizeOf(random) }, () => attributesOf(random, habits));
    return { kind: 'publish', at: at(random), publisher: random.below(publishers), bind, records };
  });
}

function sizeOf(random: Random): number {
  if (happens(random, 60)) return 1;
  return happens(random, 99) ? 1 + random.below(5) : 40 + random.below(40);
}

function attributesOf(
  random: Random,
  { isKeyed, isMixed }: { isKeyed: boolean; isMixed: boolean },
): Attributes {
  const key = isKeyed && happens(random, 60) ? { key: random.pick(['a', 'b', 'c']) } : {};
  if (!isMixed || happens(random, 60)) return key;
  const ttlMs = random.pick([30, 300, 3_000]);
  const extra = random.pick<Attributes>([
    { priority: random.below(4) },
    { priority: 3 },
    { delayMs: 1 + random.below(400) },
    { ttlMs },
    { messageId: `id-${random.below(8)}` },
    { messageId: `id-${random.below(8)}` },
    { headers: { kind: 'x' } },
  ]);
  return { ...key, ...extra };
}

function faultsOf(random: Random, clients: number): Command[] {
  const faults: Command[] = [];
  const times = (least: number, most: number): number => least + random.below(most - least + 1);
  for (let i = times(1, 3); i > 0; i--)
    faults.push({ kind: 'crash', at: at(random), downMs: downMs(random) });
  for (let i = times(1, 6); i > 0; i--)
    faults.push({ kind: 'cut', at: at(random), client: random.below(clients) });
  if (happens(random, 40)) faults.push({ kind: 'restart', at: at(random), downMs: downMs(random) });
  if (happens(random, 40)) {
    const level = happens(random, 60) ? 'messages' : 'all';
    // A slow one has more waiting behind what it refuses.
    const slowness = random.pick([1, 20]);
    faults.push({ kind: 'full', at: at(random), level, slowness, forMs: between(random, 5, 400) });
  }
  if (happens(random, 25)) faults.push({ kind: 'slow', at: at(random), forMs: between(random, 5, 300) });
  if (happens(random, 20)) faults.push({ kind: 'fail', at: at(random), isApplied: happens(random, 50) });
  if (happens(random, 10))
    faults.push({ kind: 'setClock', at: at(random), byMs: random.pick([-60_000, -700, 700, 60_000]) });
  return faults;
}

function changesOf(random: Random, streams: readonly StreamPlan[], followers: number): Command[] {
  const changes: Command[] = [];
  for (let i = 0; i < 3; i++) changes.push({ kind: 'look', at: at(random) });
  for (let i = random.below(4); i > 0; i--) {
    const follower = random.below(followers);
    const leftAt = at(random);
    changes.push({ kind: 'leave', at: leftAt, follower });
    changes.push({ kind: 'comeBack', at: leftAt + between(random, 1, 500), follower });
  }
  const stream = (): number => random.below(streams.length - 1);
  if (happens(random, 15)) changes.push({ kind: 'purge', at: at(random), stream: stream() });
  if (happens(random, 15)) changes.push({ kind: 'recreate', at: at(random), stream: stream() });
  if (happens(random, 40)) changes.push({ kind: 'redrive', at: at(random), stream: stream() });
  if (happens(random, 15)) {
    const index = stream();
    changes.push({
      kind: 'reset',
      at: at(random),
      stream: index,
      group: random.below(streams[index]!.groups.length),
      startFrom: 'first',
    });
  }
  return changes;
}

function replaysOf(random: Random, streams: readonly StreamPlan[]): Command[] {
  const commands: Command[] = [];
  for (const [stream, { options, groups }] of streams.slice(0, -1).entries()) {
    const isLog = options.retention === 'log';
    if (happens(random, isLog ? 40 : 5)) {
      const startFrom = random.pick([
        'first',
        'new',
        { sequence: 1 + random.below(40) },
        { sequence: 1 + random.below(10) },
      ] as const);
      commands.push({ kind: 'reset', at: at(random), stream, group: random.below(groups.length), startFrom });
    }
    if (happens(random, isLog ? 60 : 15))
      commands.push({
        kind: 'read',
        at: at(random),
        stream,
        from: 1 + random.below(20),
        limit: random.pick([3, 1_000]),
      });
  }
  return commands;
}

const UPDATED_PERCENT = 10;
const DELETED_PERCENT = 6;

/**
 * Changes of groups. A stream that is created anew has the groups that it had at first, and who follows by a pattern
 * asks for the same everywhere: so neither is with these.
 */
function groupChangesOf(
  random: Random,
  streams: readonly StreamPlan[],
  followers: readonly FollowerPlan[],
  others: readonly Command[],
): Command[] {
  const commands: Command[] = [];
  for (const [stream, { groups }] of streams.slice(0, -1).entries()) {
    if (others.some((other) => other.kind === 'recreate' && other.stream === stream)) continue;
    for (const [group, name] of groups.entries()) {
      const isByPattern = followers.some(({ group: of, bind }) => of === name && 'pattern' in bind);
      if (isByPattern) continue;
      const updates = happens(random, UPDATED_PERCENT) ? 1 + random.below(2) : 0;
      for (let i = 0; i < updates; i++)
        commands.push({
          kind: 'updateGroup',
          at: at(random),
          stream,
          group,
          options: changedOptions(random),
        });
      if (happens(random, DELETED_PERCENT))
        commands.push({ kind: 'deleteGroup', at: at(random), stream, group });
    }
  }
  return commands;
}

function changedOptions(random: Random): GroupOptions {
  return random.pick<GroupOptions>([
    { retry: { maxDeliveries: random.pick([1, 2, 3, 20]), delayMs: random.pick([0, 20]) } },
    { retry: { maxDeliveries: random.pick([1, 2, 3, 20]) }, deadLetterExpired: happens(random, 50) },
    { ratePerSecond: random.pick([0, 100, 300]), yieldEvery: random.pick([0, 2]) },
    { exclusive: happens(random, 50) },
  ]);
}

const SCHEDULED_PERCENT = 20;

function schedulesOf(random: Random, streams: readonly StreamPlan[]): Command[] {
  if (!happens(random, SCHEDULED_PERCENT)) return [];
  const names = ['clock', 'bell'].slice(0, random.pick([1, 1, 2]));
  return names.flatMap((name) => {
    const save = (least: number, most: number): Command => {
      return {
        kind: 'saveSchedule',
        at: between(random, least, most),
        name,
        stream: random.below(streams.length - 1),
      };
    };
    const commands = [save(0, ACTIVE_MS / 2)];
    if (happens(random, 20)) commands.push(save(0, ACTIVE_MS));
    if (happens(random, 25)) commands.push({ kind: 'deleteSchedule', at: at(random), name });
    if (happens(random, 30)) {
      const pausedAt = at(random);
      commands.push({ kind: 'pauseSchedule', at: pausedAt, name });
      commands.push({ kind: 'resumeSchedule', at: pausedAt + between(random, 1, 1_500), name });
    }
    return commands;
  });
}

function downMs(random: Random): number {
  return between(random, 1, happens(random, 80) ? 30 : 1_000);
}

function at(random: Random): number {
  return between(random, 0, ACTIVE_MS);
}
