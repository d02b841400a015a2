import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../fuzz/random.ts';
import { DATA_FOLDER } from '../broker/traced-broker.ts';
import { checkState } from '../check/check-state.ts';
import type { OpenBroker } from '../check/in-thread-store.ts';
import type { Violation } from '../check/violation.ts';
import { Disk } from '../disk/disk.ts';
import { cutPower, killProcess, type PowerCut } from '../disk/power-cut.ts';
import { StateFolder } from '../disk/state-folder.ts';
import { Knowledge } from '../trace/knowledge.ts';
import type { Operation } from '../trace/operations.ts';
import type { RecoveryStep } from '../trace/recoveries.ts';
import { chooseMoments } from './moments.ts';
import type { Recoveries } from './recoveries.ts';

export interface ExplorerOptions {
  readonly operations: readonly Operation[];
  readonly open: OpenBroker;
  /** Where states are laid out; of a file system in memory, to be quick. */
  readonly folder: string;
  /** Where states are kept that broke a promise. */
  readonly keep: string | undefined;
  readonly random: Random;
  readonly recoveries: Recoveries;
  /** Every how many moments the power is cut once more while a broker recovers; 0 for never. */
  readonly recoveryEvery: number;
  /** It ends when so much was found. */
  readonly foundMax: number;
  readonly onState: (counts: Counts) => void;
}

export interface Counts {
  /** Each another than all before it, or with more that was told before. */
  states: number;
  /** Of those, where the power was cut once more while a broker recovered from another. */
  recovering: number;
  /** Tries that led to a state that was looked at before. */
  repeated: number;
  moments: number;
}

export interface Found extends Violation {
  /** How the state came to be. */
  readonly cut: string;
}

/** A log has no more states than were looked at when so many passes in a row led to none that is new. */
const VAIN_PASSES = 8;
/** States of one moment. */
const STATES_OF_MOMENT = 4;
/** States of one recovery. */
const STATES_OF_RECOVERY = 24;

interface While {
  readonly knowledge: Knowledge;
  readonly layout: StateFolder;
  /** For people. */
  readonly where: string;
  /** Of the recovery, as no other has it. */
  readonly name: string;
}

/** Cuts the power at moments of a log, and checks the states that this leaves. */
export class Explorer {
  readonly counts: Counts = { states: 0, recovering: 0, repeated: 0, moments: 0 };
  readonly found: Found[] = [];
  readonly #options: ExplorerOptions;
  readonly #seen = new Set<string>();
  /** Recoveries that were looked at. */
  #recoveries = 0;
  #kept = 0;

  constructor(options: ExplorerOptions) {
    this.#options = options;
  }

  /** Goes through the log from its beginning, again and again, until it has looked at so many states. */
  async run(states: number): Promise<void> {
    let vain = 0;
    for (let pass = 0; this.counts.states < states && !this.#hasEnough && vain < VAIN_PASSES; pass++) {
      const before = this.counts.states;
      await this.#pass(states, pass);
      vain = this.counts.states === before ? vain + 1 : 0;
    }
  }

  get #hasEnough(): boolean {
    return this.found.length >= this.#options.foundMax;
  }

  async #pass(states: number, pass: number): Promise<void> {
    const { operations, random, folder, recoveryEvery } = this.#options;
    const disk = new Disk();
    const knowledge = new Knowledge();
    const layout = new StateFolder(join(folder, `pass-${pass}`));
    const ofMoment = STATES_OF_MOMENT + (recoveryEvery > 0 ? STATES_OF_RECOVERY / recoveryEvery : 0);
    const count = Math.ceil((states - this.counts.states) / ofMoment);
    let at = 0;
    for (const [index, moment] of chooseMoments(operations, count, random).entries()) {
      for (; at <= moment; at++) {
        disk.apply(operations[at]!);
        knowledge.apply(operations[at]!);
      }
      this.counts.moments++;
      for (let i = 0; i < STATES_OF_MOMENT; i++)
        await this.#look(disk, knowledge, layout, `operation ${moment}`);
      if (recoveryEvery > 0 && index % recoveryEvery === recoveryEvery - 1) {
        await this.#recover(disk, knowledge, layout, moment);
      }
      if (this.#hasEnough) break;
    }
    rmSync(join(folder, `pass-${pass}`), { recursive: true, force: true });
  }

  async #look(
    disk: Disk,
    knowledge: Knowledge,
    layout: StateFolder,
    where: string,
    prefix = '',
  ): Promise<boolean> {
    const { random, open, onState } = this.#options;
    const cut = cutPower(disk, random);
    const signature = `${prefix} ${knowledge.version} ${knowledge.added.size} ${cut.signature}`;
    if (this.#seen.has(signature)) {
      this.counts.repeated++;
      return false;
    }
    this.#seen.add(signature);
    const root = layout.lay(cut);
    const violations = await checkState(join(root, DATA_FOLDER), open, knowledge, random);
    layout.restore();
    this.counts.states++;
    if (violations.length > 0) {
      const kept = this.#keep(cut, layout);
      for (const violation of violations) {
        this.found.push({ ...violation, cut: `${where}; ${cut.text}${kept && `; kept as ${kept}`}` });
      }
    }
    onState(this.counts);
    return true;
  }

  /** Has a broker recover from a state of this moment, and cuts the power while it does. */
  async #recover(disk: Disk, knowledge: Knowledge, layout: StateFolder, moment: number): Promise<void> {
    const { random, recoveries, folder } = this.#options;
    const isKill = random.below(2) === 0;
    const cut = isKill ? killProcess(disk) : cutPower(disk, random);
    const recovery = await recoveries.recover(layout.lay(cut));
    layout.restore();
    // Whoever is killed leaves what was not synced as it was, neither there for certain nor lost.
    const after = isKill ? disk.clone() : recovery.disk;
    const name = `recovery-${++this.#recoveries}`;
    const again = new StateFolder(join(folder, name));
    const where = `operation ${moment}; ${isKill ? 'a kill' : cut.text}; then, while it recovered, `;
    await this.#lookWhile(after, recovery.steps, { knowledge, layout: again, where, name });
    rmSync(join(folder, name), { recursive: true, force: true });
  }

  async #lookWhile(
    disk: Disk,
    steps: readonly RecoveryStep[],
    { knowledge, layout, where, name }: While,
  ): Promise<void> {
    if (steps.length === 0) return;
    const operations = steps.map((step) =>
      'operation' in step ? step.operation : ({ kind: 'start' } as const),
    );
    let at = 0;
    for (const moment of chooseMoments(operations, STATES_OF_RECOVERY, this.#options.random)) {
      for (; at <= moment; at++) {
        const step = steps[at]!;
        if ('operation' in step) disk.apply(step.operation);
        else knowledge.added.set(step.mark.id, { stream: step.mark.stream, sequence: step.mark.sequence });
      }
      const isNew = await this.#look(disk, knowledge, layout, `${where}operation ${moment}`, name);
      if (isNew) this.counts.recovering++;
    }
    knowledge.added.clear();
  }

  /** @returns where, or nothing */
  #keep(cut: PowerCut, layout: StateFolder): string {
    const { keep } = this.#options;
    if (keep === undefined || this.#kept > 20) return '';
    const folder = join(keep, `state-${process.pid}-${++this.#kept}`);
    mkdirSync(folder, { recursive: true });
    cpSync(layout.lay(cut), folder, { recursive: true });
    layout.restore();
    return folder;
  }
}
