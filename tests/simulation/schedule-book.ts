import type { ScheduleSummary } from '@simplemq/protocol';
import type { Publication } from './publications.ts';
import type { Rule } from './rules.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** The schedules of a simulation publish at each whole second. */
export const CRON = '* * * * * *';
export const PERIOD_MS = 1_000;
/** What is due is stored within this time of a broker that is well, in ms. */
export const LATE_MS = 300;

export type ScheduleChange = 'save' | 'pause' | 'resume' | 'delete';

const STATE_AFTER = { save: 'running', pause: 'paused', resume: 'running', delete: 'gone' } as const;

/** What a schedule is to do, as far as its owner was told. */
interface Schedule {
  /** 'unsure': a change is under way, or nobody knows what became of it. */
  state: 'running' | 'paused' | 'gone' | 'unsure';
  /** What it publishes, and where; of the one that was saved last. */
  publication: Publication | undefined;
  stream: string;
  /** Where it published before it was saved for the last time, which may have been refused. */
  before: string;
  /** The broker said that it was saved so. */
  isSaved: boolean;
  /** Since when it runs for sure, by the wall clock. */
  runsFrom: number;
  changes: number;
}

/** What the rules about schedules have to know, and what they say. */
export interface ScheduleWatch {
  readonly time: SimulatedTime;
  readonly violate: (rule: Rule, text: string) => void;
  readonly count: (what: string) => void;
  /** Whether a broker was there and its storage well for so long. */
  readonly wasWellFor: (ms: number) => boolean;
  /** Whether a stream may refuse what it gets. */
  readonly mayReject: (stream: string) => boolean;
}

/** What schedules published, held against the times that were due. */
export class ScheduleBook {
  readonly #watch: ScheduleWatch;
  readonly #schedules = new Map<string, Schedule>();
  /** When each publication came last, or was asked to; by its body. */
  readonly #cameAt = new Map<string, number>();
  #isClockRight = true;

  constructor(watch: ScheduleWatch) {
    this.#watch = watch;
  }

  get names(): Iterable<string> {
    return this.#schedules.keys();
  }

  /** Times that are due twice, or never, are nobody's fault from now on. */
  clockWasSet(): void {
    this.#isClockRight = false;
  }

  /** To be called right before the broker is asked. @returns what is to be called when it has done it */
  asked(
    name: string,
    change: ScheduleChange,
    saved?: { publication: Publication; stream: string },
  ): () => void {
    const schedule = this.#find(name);
    const { time } = this.#watch;
    schedule.state = 'unsure';
    const number = ++schedule.changes;
    if (saved !== undefined) {
      this.#cameAt.set(saved.publication.body, time.wall);
      const before = schedule.isSaved ? schedule.stream : schedule.before;
      Object.assign(schedule, saved, { isSaved: false, before });
    }
    return () => {
      if (schedule.changes !== number) return;
      schedule.state = STATE_AFTER[change];
      if (change === 'save') schedule.isSaved = true;
      schedule.runsFrom = time.wall;
    };
  }

  /** A stream goes, and its schedules with it. */
  streamGoes(stream: string): () => void {
    const mayBeOf = (schedule: Schedule): boolean =>
      schedule.stream === stream || (!schedule.isSaved && schedule.before === stream);
    const own = [...this.#schedules].filter(([, schedule]) => mayBeOf(schedule));
    // One that was refused there, or may have been, is of another stream still.
    const isSure = own.map(([, { isSaved }]) => isSaved);
    const gone = own.map(([name]) => this.asked(name, 'delete')).filter((_, index) => isSure[index]);
    return () => {
      for (const answered of gone) answered();
    };
  }

  /** What a schedule publishes has come to the disk. */
  stored(name: string, { body }: Publication, at: number): void {
    const { state, publication, isSaved } = this.#find(name);
    const { violate, count } = this.#watch;
    count('scheduled');
    const where = `${body} at ${at % 100_000} ms`;
    if (state === 'paused' || state === 'gone') violate('dueWrongly', `${where}, and '${name}' is ${state}`);
    else if (state === 'running' && isSaved && body !== publication?.body)
      violate('dueWrongly', `${where}, and '${name}' is to publish ${publication?.body}`);
    const before = this.#cameAt.get(body) ?? 0;
    this.#cameAt.set(body, at);
    if (!this.#isClockRight) return;
    const missed = dueBefore(at) - dueBefore(before);
    if (missed <= 0) violate('dueTwice', `${where}, after ${before % 100_000} ms`);
    // It is late: its time had passed while there was no broker, or no room.
    else if (at - dueBefore(at) > LATE_MS || missed > PERIOD_MS) count('scheduled times made up for');
  }

  /** What was due long enough ago has come. */
  check(): void {
    const { time, wasWellFor, mayReject, violate } = this.#watch;
    if (!this.#isClockRight || !wasWellFor(LATE_MS)) return;
    const due = dueBefore(time.wall - LATE_MS);
    for (const [name, { state, publication, stream, runsFrom, isSaved }] of this.#schedules) {
      if (
        state !== 'running' ||
        publication === undefined ||
        !isSaved ||
        runsFrom >= due ||
        mayReject(stream)
      )
        continue;
      const cameAt = this.#cameAt.get(publication.body) ?? 0;
      if (cameAt < due)
        violate(
          'dueMissed',
          `'${name}' came last at ${cameAt % 100_000} ms, and was due at ${due % 100_000}`,
        );
    }
  }

  /** What the broker says that there is. */
  checkList(listed: readonly ScheduleSummary[]): void {
    for (const [name, { state }] of this.#schedules) {
      if (state === 'unsure') continue;
      const found = listed.find((schedule) => schedule.name === name);
      const is = found === undefined ? 'gone' : found.paused ? 'paused' : 'running';
      if (is !== state) this.#watch.violate('dueWrongly', `'${name}' is ${is}, and should be ${state}`);
    }
  }

  #find(name: string): Schedule {
    let schedule = this.#schedules.get(name);
    if (schedule === undefined) {
      schedule = {
        state: 'unsure',
        publication: undefined,
        stream: '',
        before: '',
        isSaved: false,
        runsFrom: 0,
        changes: 0,
      };
      this.#schedules.set(name, schedule);
    }
    return schedule;
  }
}

/** The last time that was due, up to then. */
function dueBefore(wall: number): number {
  return Math.floor(wall / PERIOD_MS) * PERIOD_MS;
}
