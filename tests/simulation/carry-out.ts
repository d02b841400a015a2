import { BatchBuilder, decodeBatch, encodeAttributes, type RecordBatch } from '@simplemq/protocol';
import type { GroupBook, Replay, StreamBook } from './group-book.ts';
import { checkPage } from './page-checks.ts';
import type { Command } from './plan.ts';
import type { Publication } from './publications.ts';
import { changeSchedule, lookAtSchedules } from './schedule-commands.ts';
import type { StorageFaults } from './simulated-store.ts';
import type { World } from './world.ts';

/** How many times as long a slow disk takes. */
const SLOWNESS = 50;
/** What a slow disk had begun, and what waited behind that, is written by then, in ms. */
const CAUGHT_UP_MS = 1_200;

/** Does what a plan says; what comes of it shows later. */
export function carryOut(world: World, command: Command): void {
  const { book, broker, time, faults, plan } = world;
  switch (command.kind) {
    case 'publish':
      publish(world, command);
      return;
    case 'crash':
      if (broker.crash()) book.count('crashes');
      time.after(command.downMs, () => world.startAgain());
      return;
    case 'restart':
      void restart(world, command.downMs);
      return;
    case 'cut':
      cut(world, command.client);
      return;
    case 'full':
      ail(world, 'full disks', command.forMs, { full: command.level, slowness: command.slowness });
      return;
    case 'slow':
      ail(world, 'slow disks', command.forMs, { slowness: SLOWNESS });
      return;
    case 'fail':
      faults.failsNext = command.isApplied ? 'applied' : 'notApplied';
      return;
    case 'leave':
      book.count('followers that leave');
      world.followers[command.follower]?.leave();
      return;
    case 'comeBack':
      world.followers[command.follower]?.comeBack();
      return;
    case 'setClock':
      book.count('clocks set');
      time.setWall(command.byMs);
      book.isClockRight = false;
      book.schedules.clockWasSet();
      return;
    case 'look':
      for (const { name, groups } of world.streams) for (const group of groups) void world.look(name, group);
      void lookAtSchedules(world);
      return;
    case 'read':
      if (broker.engine !== undefined)
        void checkPage(book, broker.engine, plan.streams[command.stream]!.name, command).catch(() => {});
      return;
    case 'saveSchedule':
    case 'pauseSchedule':
    case 'resumeSchedule':
    case 'deleteSchedule':
      void changeSchedule(world, command);
      return;
    default:
      change(world, command);
      return;
  }
}

function publish({ publishers, book, time }: World, command: Command & { kind: 'publish' }): void {
  const publisher = publishers[command.publisher]!;
  const publications = command.records.map((attributes) =>
    book.publications.add(publisher.name, attributes, time.now),
  );
  publisher.publish(command.bind, batchOf(publications), publications);
}

function batchOf(publications: readonly Publication[]): RecordBatch {
  const builder = new BatchBuilder({ initialBytes: 256 });
  for (const { body, attributes } of publications) {
    const own = Object.keys(attributes).length > 0 ? encodeAttributes(attributes) : undefined;
    builder.append(Buffer.from(body), true, own);
  }
  return decodeBatch(builder.finish());
}

async function restart(world: World, downMs: number): Promise<void> {
  if (!(await world.broker.stop())) return;
  world.book.count('restarts');
  world.time.after(downMs, () => world.startAgain());
}

function cut({ links, book }: World, client: number): void {
  const link = links[client];
  if (link?.connection === undefined) return;
  book.count('cuts');
  if (link.connection.unanswered > 0) book.count('requests whose fate is unknown');
  link.cut();
}

function ail(
  { book, faults, time }: World,
  what: string,
  forMs: number,
  changed: Partial<StorageFaults>,
): void {
  const healthy = book.unhealthy();
  book.count(what);
  Object.assign(faults, changed);
  time.after(forMs, () => {
    Object.assign(faults, { full: 'no', slowness: 1 });
    time.after(CAUGHT_UP_MS, healthy);
  });
}

type ChangeCommand = Command & {
  kind: 'purge' | 'redrive' | 'recreate' | 'reset' | 'updateGroup' | 'deleteGroup';
};

/** Something that changes a whole stream or group. Until it is answered nobody knows how far it is. */
function change(world: World, command: ChangeCommand): void {
  const { engine } = world.broker;
  const { name, groups } = world.plan.streams[command.stream]!;
  const stream = world.book.stream(name);
  if (engine === undefined || stream === undefined) return;
  const { life } = world.book;
  const groupName = groups['group' in command ? command.group : 0]!;
  const group = stream.group(groupName);
  // What is in force is to be known: an update changes a part of it, and a group that is made anew has all of it.
  const isVague = group.policies.candidates.length > 1 || group.isGoing;
  if (isVague && (command.kind === 'updateGroup' || command.kind === 'deleteGroup')) return;
  const done = changeBegun(world, command, stream, group);
  const answered = (): void => {
    world.book.count(`${command.kind}s`);
    if (life === world.book.life) done();
  };
  const asked = {
    redrive: () => engine.redrive({ stream: name }),
    purge: () => engine.purgeStream({ stream: name }),
    reset: () =>
      engine.resetGroup({
        stream: name,
        group: groupName,
        startFrom: 'startFrom' in command ? command.startFrom : 'first',
      }),
    recreate: async () => {
      await engine.deleteStream(name);
      await world.create(name);
    },
    updateGroup: () => engine.updateGroup(name, groupName, 'options' in command ? command.options : {}),
    deleteGroup: async () => {
      await engine.deleteGroup(name, groupName);
      await world.createGroup(name, groupName);
    },
  }[command.kind]();
  asked.then(answered, () => {});
}

/** @returns what is to be done when it is answered */
function changeBegun(world: World, command: ChangeCommand, stream: StreamBook, group: GroupBook): () => void {
  const { book } = world;
  const { kind } = command;
  if (kind === 'recreate') {
    book.deletedNames.add(stream.name);
    return book.schedules.streamGoes(stream.name);
  }
  if (kind === 'purge') {
    stream.isLoose = true;
    stream.wasPurged = true;
    return () => {
      const { firstSequence = 1 } = book.disk.stream(stream.name) ?? {};
      for (const each of stream.groups.values()) each.trim(firstSequence);
      stream.isLoose = false;
    };
  }
  const next = (): number => book.disk.stream(stream.name)?.nextSequence ?? 1;
  if (command.kind === 'updateGroup') {
    const answered = group.policies.asked(command.options);
    return () => answered(book.time.now);
  }
  if (kind === 'deleteGroup') {
    group.isGoing = true;
    group.replay = undefined;
    return group.changes(next);
  }
  if (command.kind === 'reset') {
    const { startFrom } = command;
    const asked = startFrom === 'first' ? 1 : startFrom === 'new' ? next() : startFrom.sequence;
    const replay: Replay = { from: Math.min(asked, next()), allFrom: undefined, seen: new Set() };
    // Of two at once nobody knows which was first.
    group.replay = group.isLoose ? undefined : replay;
    const answered = group.changes(next);
    return () => {
      replay.allFrom = startFrom === 'new' ? next() : Math.max(1, asked);
      answered();
    };
  }
  return () => {};
}
