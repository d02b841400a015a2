import { openSync, writeSync } from 'node:fs';
import type { Fact } from './facts.ts';

/** Appends facts to a file, each before `write` returns: what a process knew outlives its SIGKILL. */
export class FactLog {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(fact: Fact): void {
    writeSync(this.#file, `${JSON.stringify(fact)}\n`);
  }
}
