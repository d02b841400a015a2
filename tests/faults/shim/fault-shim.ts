import { execFile } from 'node:child_process';
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SOURCE = fileURLToPath(new URL('./faults.c', import.meta.url));

/** Calls that can be made to fail, by name. */
export const CALLS = { writes: 1, syncs: 2, opens: 4, others: 8 } as const;
export type Call = keyof typeof CALLS;

/** The places of the numbers in the file that the process looks at: those that tell it, and those that it counts. */
const PLACES = [
  'failing',
  'error',
  'skip',
  'times',
  'syncDelayMs',
  'clockOffsetS',
  'isFull',
  'failed',
  'delayed',
  'clockReads',
  'roomAsked',
] as const;
type Place = (typeof PLACES)[number];
/** How often calls failed, syncs were slow, the clock was read while it was wrong, or a full disk was asked for room. */
export type Counted = Extract<Place, 'failed' | 'delayed' | 'clockReads' | 'roomAsked'>;
const BYTES = 4;

/** Faults of the disk and of the clock of a process that is started with `environment`. Linux, with gcc. */
export class FaultShim {
  readonly environment: Readonly<Record<string, string>>;
  readonly #control: number;

  private constructor(library: string, control: string, folder: string) {
    this.environment = { LD_PRELOAD: library, FAULTS_CONTROL: control, FAULTS_FOLDER: folder };
    this.#control = openSync(control, 'r+');
  }

  /**
   * @param work where the library and the control file go
   * @param folder the faults are those of files below it
   */
  static async build(work: string, folder: string): Promise<FaultShim> {
    const library = join(work, 'faults.so');
    try {
      await promisify(execFile)('gcc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl']);
    } catch (cause) {
      throw new Error(`the faults of the disk need gcc (Debian: apt-get install gcc libc6-dev): ${cause}`, {
        cause,
      });
    }
    const control = join(work, 'faults.control');
    writeFileSync(control, Buffer.alloc(PLACES.length * BYTES));
    return new FaultShim(library, control, folder);
  }

  /** Has calls fail: the first `skip` go well, and after `times` all do again. */
  fail(
    calls: readonly Call[],
    code: 'EIO' | 'EROFS' | 'EMFILE',
    { skip = 0, times = -1 }: { skip?: number; times?: number } = {},
  ): void {
    this.#fail(calls, constants.errno[code], skip, times);
  }

  /** Has the process killed with SIGKILL right before such a call; the first `skip` go well. */
  killAt(calls: readonly Call[], skip: number): void {
    this.#fail(calls, 0, skip, 1);
  }

  /** No more calls fail, or kill. */
  stopFailing(): void {
    this.#set('failing', 0);
  }

  set isFull(full: boolean) {
    this.#set('isFull', Number(full));
  }

  /** Each sync takes so much longer. */
  set syncDelayMs(ms: number) {
    this.#set('syncDelayMs', ms);
  }

  /** The clock of day is ahead by so much. */
  set clockOffsetS(seconds: number) {
    this.#set('clockOffsetS', seconds);
  }

  count(what: Counted): number {
    const bytes = Buffer.alloc(BYTES);
    readSync(this.#control, bytes, 0, BYTES, PLACES.indexOf(what) * BYTES);
    return bytes.readInt32LE();
  }

  close(): void {
    closeSync(this.#control);
  }

  #fail(calls: readonly Call[], error: number, skip: number, times: number): void {
    this.#set('failing', 0);
    this.#set('error', error);
    this.#set('skip', skip);
    this.#set('times', times);
    this.#set(
      'failing',
      calls.reduce((bits, call) => bits | CALLS[call], 0),
    );
  }

  #set(place: Place, value: number): void {
    const bytes = Buffer.alloc(BYTES);
    bytes.writeInt32LE(value);
    writeSync(this.#control, bytes, 0, BYTES, PLACES.indexOf(place) * BYTES);
  }
}
