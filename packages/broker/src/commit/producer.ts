import type { PublishReceipt, TransactionReceipt } from '../engine/engine.ts';

/** A publish and a transaction share the numbers of their producer. */
export type KnownReceipt = PublishReceipt | TransactionReceipt;

/** What a receipt takes in memory, about: itself, each stream that it names, each number in its marks. */
const RECEIPT_BYTES = 320;
const PLACE_BYTES = 48;
const MARK_BYTES = 8;

/** A row is stored whole with each receipt that goes into it, so it takes no more when it has so much. */
const ROW_BYTES: number = 16 * 1024;

/** The producer's own id, in hex; that of a row has the row's number behind it, but for the first. */
const ID_LENGTH = 32;

/** Receipts that are stored as one row. */
export interface ReceiptRow {
  readonly id: string;
  readonly producer: Producer;
  /** As known when the publishes were taken in. A row that has none left goes. */
  readonly known: Map<number, KnownReceipt>;
  bytes: number;
}

interface Kept {
  readonly receipt: Promise<KnownReceipt>;
  readonly row: ReceiptRow;
  readonly bytes: number;
}

/** The receipts that one producer may ask for again, by its numbers. */
export class Producer {
  readonly id: string;
  /** By the steady clock. */
  usedAt: number;
  /** No number up to it is taken in any more, as far as this run of the broker knows. */
  settled = 0;
  /** What its receipts take in memory, about. */
  bytes = 0;
  readonly #receipts = new Map<number, Kept>();
  /** That the next receipt goes into. */
  #row: ReceiptRow | undefined;
  #nextRow = 0;

  constructor(id: string, usedAt: number) {
    this.id = id;
    this.usedAt = usedAt;
  }

  /** The receipt of a number, settled or still to be. */
  get(number: number): Promise<KnownReceipt> | undefined {
    return this.#receipts.get(number)?.receipt;
  }

  /** @returns the row that it is to be stored with */
  add(number: number, known: KnownReceipt, receipt: Promise<KnownReceipt>): ReceiptRow {
    if (this.#row === undefined || this.#row.bytes >= ROW_BYTES) this.#row = this.#newRow(this.#nextRow);
    this.#keep(number, known, receipt, this.#row);
    return this.#row;
  }

  /** Puts a row back that was stored. Rows come in any order; `restored` must follow. */
  restore(rowId: string, receipts: string): void {
    const number = rowNumberOf(rowId);
    const row = this.#newRow(number);
    if (number + 1 === this.#nextRow) this.#row = row;
    for (const [number, known] of JSON.parse(receipts) as [number, KnownReceipt][]) {
      this.#keep(number, known, Promise.resolve(known), row);
    }
  }

  restored(): void {
    const inOrder = [...this.#receipts].sort(([a], [b]) => a - b);
    this.#receipts.clear();
    for (const [number, kept] of inOrder) this.#receipts.set(number, kept);
  }

  /** Forgets the receipts up to a number. Rows that have none left by that are added to `emptied`. */
  dropThrough(last: number, emptied: Set<ReceiptRow>): void {
    for (const number of this.#receipts.keys()) {
      // In the order in which they were taken in, which is their own but for those sent again.
      if (number > last) break;
      const row = this.drop(number)!;
      if (row.known.size === 0 && row !== this.#row) emptied.add(row);
    }
  }

  /** Forgets a receipt. @returns the row that it was in */
  drop(number: number): ReceiptRow | undefined {
    const kept = this.#receipts.get(number);
    if (kept === undefined) return undefined;
    const { row, bytes } = kept;
    this.#receipts.delete(number);
    row.known.delete(number);
    row.bytes -= bytes;
    this.bytes -= bytes;
    return row;
  }

  /** Forgets all of them. @returns its rows, which are empty now */
  clear(): Set<ReceiptRow> {
    const rows = new Set<ReceiptRow>(this.#row && [this.#row]);
    for (const { row } of this.#receipts.values()) rows.add(row);
    for (const number of [...this.#receipts.keys()]) this.drop(number);
    return rows;
  }

  #newRow(number: number): ReceiptRow {
    this.#nextRow = Math.max(this.#nextRow, number + 1);
    return { id: rowIdOf(this.id, number), producer: this, known: new Map(), bytes: 0 };
  }

  #keep(number: number, known: KnownReceipt, receipt: Promise<KnownReceipt>, row: ReceiptRow): void {
    const bytes = bytesOf(known);
    this.#receipts.set(number, { receipt, row, bytes });
    row.known.set(number, known);
    row.bytes += bytes;
    this.bytes += bytes;
  }
}

/** The producer that a row is of. */
export function producerIdOf(rowId: string): string {
  return rowId.slice(0, ID_LENGTH);
}

function rowIdOf(id: string, number: number): string {
  return number === 0 ? id : id + number.toString(16).padStart(8, '0');
}

function rowNumberOf(rowId: string): number {
  return rowId.length <= ID_LENGTH ? 0 : Number.parseInt(rowId.slice(ID_LENGTH), 16);
}

function bytesOf(receipt: KnownReceipt): number {
  let bytes = RECEIPT_BYTES;
  const publishes = 'publishes' in receipt ? receipt.publishes : [receipt.streams];
  for (const places of publishes) {
    for (const { duplicates, delayed } of places) {
      const marks = (duplicates?.length ?? 0) + (delayed?.length ?? 0);
      bytes += PLACE_BYTES + marks * MARK_BYTES;
    }
  }
  return bytes;
}
