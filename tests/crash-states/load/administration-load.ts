import type { Cursor } from '@simplemq/client';
import { settled } from './settled.ts';

const AUDIT = 'audit';
const BACKUP_EVERY = 3;

/** A second group of a stream, which comes and goes and keeps what nobody else needs; and backups. */
export class AdministrationLoad {
  readonly #cursor: Cursor;
  readonly #stream: string;
  #rounds = 0;

  constructor(cursor: Cursor, stream: string) {
    this.#cursor = cursor;
    this.#stream = stream;
  }

  async round(): Promise<void> {
    const round = ++this.#rounds;
    if (round % 2 === 1) await settled(this.#cursor.createGroup(this.#stream, AUDIT));
    else await settled(this.#cursor.deleteGroup(this.#stream, AUDIT));
    if (round % BACKUP_EVERY === 0) await settled(this.#backUp());
  }

  async #backUp(): Promise<void> {
    for await (const _ of await this.#cursor.backup());
  }
}
