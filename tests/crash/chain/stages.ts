import type { Random } from '../../fuzz/random.ts';
import { Victim } from '../victim.ts';
import { STAGES, type Stage } from './jobs.ts';
import type { StageOptions } from './stage-options.ts';

const MAIN = new URL('./stage-main.ts', import.meta.url);

/** So many compete in each stage. */
const PROCESSES_PER_STAGE = 2;

/** The processes of all stages. */
export class Stages implements AsyncDisposable {
  readonly #port: number;
  readonly #random: Random;
  readonly #processes: Victim<StageOptions>[] = [];
  #started = 0;

  private constructor(port: number, random: Random) {
    this.#port = port;
    this.#random = random;
  }

  static async start(port: number, random: Random): Promise<Stages> {
    const stages = new Stages(port, random);
    const all = STAGES.flatMap((stage) => Array.from({ length: PROCESSES_PER_STAGE }, () => stage));
    await Promise.all(all.map((stage) => stages.#start(stage)));
    return stages;
  }

  /** Rejects when one of the processes ends by itself. */
  failed(): Promise<never> {
    return Promise.race(this.#processes.map(({ failed }) => failed));
  }

  /** Kills a process. @returns which */
  async kill(): Promise<{ readonly name: string; readonly stage: Stage }> {
    const victim = this.#random.pick(this.#processes);
    await victim.kill();
    this.#processes.splice(this.#processes.indexOf(victim), 1);
    return victim.options;
  }

  /** Another process for a stage of which one was killed. */
  replace(stage: Stage): Promise<void> {
    return this.#start(stage);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.kill()));
  }

  async #start(stage: Stage): Promise<void> {
    const name = `${stage}-${++this.#started}`;
    this.#processes.push(await Victim.start(MAIN, { stage, name, port: this.#port }));
  }
}
