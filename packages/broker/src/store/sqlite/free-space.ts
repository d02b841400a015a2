import type { Database } from 'better-sqlite3';
import type { Checkpoints } from './checkpoints.ts';
import { canGiveBack, PAGE_BYTES, reshape } from './database.ts';
import type { JournaledDatabase } from './journaled-database.ts';
import { StepSize } from './step-size.ts';

const MIB_PAGES = (1024 * 1024) / PAGE_BYTES;
/** Less is not worth giving back: what comes next will take it. */
const WORTH_PAGES = 16 * MIB_PAGES;
const WORTH_SHARE = 0.25;
/** What stays free, so that what comes next need not make the file longer. */
const KEPT_PAGES = 4 * MIB_PAGES;
/** At the most in one step. */
const STEP_PAGES_MAX = 8 * MIB_PAGES;
/** What is rewritten while the broker runs, in some tens of milliseconds. */
const RESHAPE_BYTES_MAX = 4 * 1024 * 1024;

/** Gives the space of what was removed back to the disk, in steps. */
export class FreeSpace {
  readonly #storage: JournaledDatabase;
  readonly #database: Database;
  readonly #checkpoints: Checkpoints;
  readonly #size = new StepSize(STEP_PAGES_MAX);
  /** Not in a database of version 1 that was not rewritten yet. */
  #canGiveBack: boolean;
  #isGivingBack = false;

  constructor(storage: JournaledDatabase, checkpoints: Checkpoints) {
    this.#storage = storage;
    this.#database = storage.database;
    this.#checkpoints = checkpoints;
    this.#canGiveBack = canGiveBack(storage.database);
  }

  /** Gives some back, in a transaction of its own. @returns whether there is more to be done */
  step(): boolean {
    if (!this.#canGiveBack) this.#reshape();
    else if (this.#isGivingBack) this.#giveBack();
    else this.#isGivingBack = this.#isWorthIt();
    return this.#isGivingBack;
  }

  #reshape(): void {
    this.#storage.commitIndex();
    this.#canGiveBack = reshape(this.#database, RESHAPE_BYTES_MAX);
    if (this.#canGiveBack) this.#checkpoints.truncate();
  }

  #isWorthIt(): boolean {
    const free = this.#pages('freelist_count');
    return free > WORTH_PAGES && free > WORTH_SHARE * this.#pages('page_count');
  }

  #giveBack(): void {
    const excess = this.#pages('freelist_count') - KEPT_PAGES;
    if (excess > 0) {
      this.#storage.commitIndex();
      this.#size.run((pages) => this.#database.pragma(`incremental_vacuum(${Math.min(pages, excess)})`));
      this.#checkpoints.worked();
      return;
    }
    this.#isGivingBack = false;
    this.#checkpoints.truncate();
  }

  #pages(pragma: 'freelist_count' | 'page_count'): number {
    return this.#database.pragma(pragma, { simple: true }) as number;
  }
}
