import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, type Cursor } from '@simplemq/client';
import { Board } from './board.ts';
import { BrokerProcess } from './broker-process.ts';
import { type Cast, castOf } from './cast.ts';
import type { Child } from './child.ts';
import { displayOn } from './display.ts';
import { readLines } from './input-file.ts';
import type { PublisherArguments, PublisherReport, ReaderArguments, ReaderReport } from './messages.ts';
import type { DemoOptions } from './options.ts';
import type { Processes } from './processes.ts';
import { type Tally, tallyOf } from './tally.ts';
import { counted, grouped, seconds } from './text.ts';

/** Where in its time the broker is killed. */
const KILL_AT = 0.45;
/** How long it stays dead, so that one sees it. */
const DEAD_MS = 1_000;
const REFRESH_MS = 100;
const SAMPLE_MS = 200;
const LOOK_MS = 20;
/** When nothing has moved for so long, what is left counts as left. */
const STALL_MS = 20_000;

/** The story: a broker, its clients, a crash in the middle, and what became of every line. */
export class Demo {
  readonly #options: DemoOptions;
  readonly #processes: Processes;
  readonly #cast: Cast = castOf();
  readonly #broker: BrokerProcess;
  readonly #board: Board;

  private constructor(options: DemoOptions, processes: Processes, folder: string, lines: number) {
    const { publishers, readers, streams } = this.#cast;
    this.#options = options;
    this.#processes = processes;
    this.#broker = new BrokerProcess(folder, processes);
    this.#board = new Board({
      title: `${basename(options.file)}, ${counted(lines, 'line')}, over and over for ${options.seconds} s`,
      broker: this.#broker,
      streams,
      publishers,
      readers: readers.map(({ row }) => row),
    });
  }

  /**
   * @param folder where the broker keeps its data
   * @throws when the file cannot be used, or what `processes` failed with
   */
  static async run(options: DemoOptions, processes: Processes, folder: string): Promise<Tally> {
    const lines = await readLines(options.file);
    const demo = new Demo(options, processes, folder, lines.length);
    const display = displayOn(process.stdout, demo.#board);
    const timers = [
      setInterval(() => demo.#board.sample(), SAMPLE_MS),
      setInterval(() => display.refresh(), REFRESH_MS),
    ];
    try {
      return await Promise.race([demo.#run(), processes.failed]);
    } finally {
      for (const timer of timers) clearInterval(timer);
      display.end();
    }
  }

  async #run(): Promise<Tally> {
    const startMs = await this.#broker.start();
    this.#board.tell(`started the broker in ${grouped(startMs)} ms, its data in a temporary folder`);
    await using connection = new Connection({
      port: this.#broker.port,
      name: 'demo',
      reconnect: { maxDelayMs: 500 },
    });
    const cursor = connection.cursor();
    for (const { name } of this.#cast.streams) await cursor.createStream(name);
    const watch = new AbortController();
    const watched = this.#watchStreams(cursor, watch.signal);

    const readers = this.#startReaders();
    this.#board.tell(`started ${this.#board.clients} clients, each a process of its own`);
    this.#startPublishers();
    const { publishers } = this.#cast;
    await this.#crash();
    await this.#orFail('publishers to end', () => publishers.every(({ hasEnded }) => hasEnded));
    this.#board.tell(`the publishers have ended: ${grouped(this.#board.published)} messages, all confirmed`);
    await this.#untilNothingIsLeft();
    await Promise.all(readers.map((reader) => reader.stop()));
    watch.abort();
    await watched;
    this.#board.heard(await cursor.listStreams());
    return tallyOf(this.#cast.publishers, this.#cast.audiences);
  }

  #startReaders(): Child<ReaderReport>[] {
    return this.#cast.readers.map(({ row, script, argument }) => {
      const { books } = this.#cast.audiences.find(({ readers }) => readers.includes(row))!;
      const options: ReaderArguments = { name: row.name, port: this.#broker.port, ...argument };
      return this.#processes.start<ReaderReport>(row.name, script, options, (report) => {
        row.heard(report);
        books.enter(report.handled, report.acked);
      });
    });
  }

  #startPublishers(): void {
    const { file, seconds } = this.#options;
    for (const row of this.#cast.publishers) {
      const options: PublisherArguments = { name: row.name, port: this.#broker.port, file, seconds };
      const heard = (report: PublisherReport) => row.heard(report);
      const child = this.#processes.start(`publisher ${row.name}`, 'publisher.ts', options, heard);
      child.ended.then(() => {
        row.hasEnded = true;
      });
    }
  }

  async #crash(): Promise<void> {
    const board = this.#board;
    await this.#orFail('first messages to pass', () => board.published > 0 && board.acked > 0);
    await sleep(this.#options.seconds * 1_000 * KILL_AT);
    await this.#broker.kill();
    const { unconfirmed, pending, connects } = board;
    board.tell(
      `killed the broker with SIGKILL: ${grouped(unconfirmed)} unconfirmed, ${grouped(pending)} pending`,
    );
    await sleep(DEAD_MS);
    board.tell(
      `started it again on the same folder: up and recovered in ${grouped(await this.#broker.start())} ms`,
    );
    const beganMs = board.elapsedMs;
    await this.#orFail('clients to come back', () =>
      [...board.connects].every(([name, count]) => count > (connects.get(name) ?? 0)),
    );
    board.tell(`all clients are back by themselves, ${seconds(board.elapsedMs - beganMs)} later`);
  }

  async #watchStreams(cursor: Cursor, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#board.heard(await cursor.listStreams());
      await sleep(SAMPLE_MS);
    }
  }

  /** Settles when the broker holds no message any more, or when nothing moves. */
  async #untilNothingIsLeft(): Promise<void> {
    const board = this.#board;
    const { published } = board;
    const isEmpty = await this.#untilTrueOrStalled(() => board.stored >= published && board.messages === 0);
    board.tell(
      isEmpty
        ? 'every message was handled and acked'
        : `nothing has moved for ${seconds(STALL_MS)}, with ${counted(board.messages, 'message')} left`,
    );
  }

  /** @throws when nothing moves any more and it is not true yet */
  async #orFail(what: string, isTrue: () => boolean): Promise<void> {
    if (await this.#untilTrueOrStalled(isTrue)) return;
    throw new Error(`waited for the ${what}, but nothing has moved for ${seconds(STALL_MS)}`);
  }

  /** @returns false when no message was confirmed, delivered or acked for long */
  async #untilTrueOrStalled(isTrue: () => boolean): Promise<boolean> {
    const board = this.#board;
    let before = -1;
    let movedMs = board.elapsedMs;
    while (!isTrue()) {
      const now = board.published + board.delivered + board.acked;
      if (now !== before) movedMs = board.elapsedMs;
      before = now;
      if (board.elapsedMs - movedMs > STALL_MS) return false;
      await sleep(LOOK_MS);
    }
    return true;
  }
}
