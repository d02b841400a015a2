import { BatchBuilder, decodeBatch, encodeAttributes, type RecordBatch } from '@simplemq/protocol';
import type { Command } from './plan.ts';
import { CRON, LATE_MS, PERIOD_MS } from './schedule-book.ts';
import type { World } from './world.ts';

type ScheduleCommand = Command & {
  kind: 'saveSchedule' | 'pauseSchedule' | 'resumeSchedule' | 'deleteSchedule';
};

/** Changes a schedule; until that is answered nobody knows what it does. */
export async function changeSchedule(world: World, command: ScheduleCommand): Promise<void> {
  const { book, plan } = world;
  const { engine } = world.broker;
  if (engine === undefined) return;
  const { life } = book;
  const { kind, name } = command;
  try {
    if (kind === 'saveSchedule') {
      const { name: stream } = plan.streams[command.stream]!;
      const attributes = { headers: { schedule: name } };
      const publication = book.publications.add(name, attributes, book.time.now, { schedule: name });
      const answered = book.schedules.asked(name, 'save', { publication, stream });
      await engine.saveSchedule({ name, stream, cron: CRON, batch: batchOf(publication.body, name) });
      if (life !== book.life) return;
      answered();
      book.count('schedules saved');
    } else if (kind === 'deleteSchedule') {
      const answered = book.schedules.asked(name, 'delete');
      await engine.deleteSchedule(name);
      if (life !== book.life) return;
      answered();
      book.count('schedules deleted');
    } else {
      const change = kind === 'pauseSchedule' ? 'pause' : 'resume';
      const answered = book.schedules.asked(name, change);
      await engine.pauseSchedule(name, change === 'pause');
      if (life !== book.life) return;
      answered();
      book.count(`schedules ${change}d`);
    }
  } catch {
    // It is not there, or there was no room, or the broker ended: nobody knows.
  }
}

/** Holds what the broker says of schedules, and what they did, against the book. */
export async function lookAtSchedules({ book, broker: { engine } }: World): Promise<void> {
  if ([...book.schedules.names].length === 0) return;
  book.schedules.check();
  const { life } = book;
  const listed = await engine?.listSchedules().catch(() => undefined);
  if (listed !== undefined && life === book.life) book.schedules.checkList(listed);
}

/** Faults have ended: schedules go on for one more time, and are no more. */
export async function endSchedules(world: World): Promise<void> {
  const { book, time, broker } = world;
  const names = [...book.schedules.names];
  if (names.length === 0) return;
  await time.sleep(PERIOD_MS - (time.wall % PERIOD_MS) + LATE_MS + 1);
  await lookAtSchedules(world);
  for (const name of names) await broker.engine?.deleteSchedule(name).catch(() => {});
}

/** What all its messages share keeps it from being stored in one row, and with the time, of another publish. */
function batchOf(body: string, schedule: string): RecordBatch {
  const builder = new BatchBuilder({ shared: encodeAttributes({ headers: { schedule } }) });
  builder.append(Buffer.from(body), true);
  return decodeBatch(builder.finish());
}
