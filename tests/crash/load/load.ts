import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../../fuzz/random.ts';
import { type Fact, parseFacts } from '../history/facts.ts';
import { Victim } from '../victim.ts';
import type { LoadOptions } from './load-options.ts';

const MAIN = new URL('./load-main.ts', import.meta.url);

type Role = LoadOptions['role'];

/** One process of publishers, and two of workers that compete with one another. */
export class Load {
  readonly #port: number;
  readonly #folder: string;
  readonly #random: Random;
  readonly #processes: Victim<LoadOptions>[] = [];
  /** What was killed and has no successor yet. */
  readonly #lost: LoadOptions[] = [];
  #started = 0;

  private constructor(port: number, folder: string, random: Random) {
    this.#port = port;
    this.#folder = folder;
    this.#random = random;
  }

  /** @param folder where its processes write what they see */
  static async start(port: number, folder: string, random: Random): Promise<Load> {
    const load = new Load(port, folder, random);
    await Promise.all([load.#start('workers', true), load.#start('workers', false)]);
    await load.#start('publishers', false);
    return load;
  }

  /** Rejects when one of its processes ends by itself. */
  async failed(): Promise<never> {
    return Promise.race(this.#processes.map(({ failed }) => failed));
  }

  /** Kills a process of this role. @returns its name */
  async kill(role: Role): Promise<string> {
    const victim = this.#random.pick(this.#of(role));
    await victim.kill();
    this.#processes.splice(this.#processes.indexOf(victim), 1);
    this.#lost.push(victim.options);
    return victim.options.name;
  }

  /** Starts another for each that was killed. */
  async replace(): Promise<void> {
    for (const { role, hasSolo } of this.#lost.splice(0)) await this.#start(role, hasSolo);
  }

  async stop(role: Role): Promise<void> {
    await Promise.all(this.#of(role).map((process) => process.stop()));
  }

  /** What all its processes have seen. */
  async facts(): Promise<Fact[]> {
    const files = await readdir(this.#folder);
    const texts = await Promise.all(files.map((file) => readFile(join(this.#folder, file), 'utf8')));
    return texts.flatMap(parseFacts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.kill()));
  }

  #of(role: Role): Victim<LoadOptions>[] {
    return this.#processes.filter(({ options }) => options.role === role);
  }

  async #start(role: Role, hasSolo: boolean): Promise<void> {
    const name = `${role}-${++this.#started}`;
    const facts = join(this.#folder, name);
    const seed = this.#random.below(2 ** 31);
    this.#processes.push(await Victim.start(MAIN, { role, name, port: this.#port, facts, seed, hasSolo }));
  }
}
