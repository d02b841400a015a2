import { existsSync } from 'node:fs';
import { JournalDamaged } from './journal-damaged.ts';
import { RECORD_HEAD_BYTES, type UnsealedRecord } from './record.ts';
import { SEGMENT_HEADER_BYTES, Segment } from './segment.ts';
import { SegmentFolder } from './segment-folder.ts';
import { type JournalRecord, metasOf, type RecordMeta, recordsOf, type TornEnd } from './segment-records.ts';

/** A record that would make a segment longer begins the next; only one that is longer by itself makes a longer one. */
export const SEGMENT_BYTES: number = 32 * 1024 * 1024;
/** Files that are kept to be written again, which is several times faster than writing new ones. */
const SPARES_MAX = 2;
/** Segments besides the last that are kept open for reading. */
const OPEN_MAX = 32;

/** A byte of the journal. Position 0 is that of a segment which is still to be made. */
export interface Place {
  readonly segment: number;
  readonly position: number;
}

/**
 * The files that commits are appended to and synced in, and in which the batches of streams stay.
 *
 * Invariant: a record is written only when the one before it is on the disk, and a run of the broker writes to segments
 * of its own, so that nothing is ever written behind a torn record.
 */
export class Journal {
  readonly #folder: SegmentFolder;
  /** By id, with the bytes of their files; the one that is written to is not among them. */
  readonly #closed = new Map<number, number>();
  readonly #open = new Map<number, Segment>();
  #current: Segment | undefined;
  /** Segments that somebody copies. */
  #pinned: ReadonlySet<number> = new Set();
  #nextId = 1;
  #previousEnd = 0;

  constructor(folder: string) {
    this.#folder = new SegmentFolder(folder);
  }

  /**
   * The records from a place on; to be read to the end, once, before anything is appended.
   *
   * @param onTorn told of what is left out at the end, which was being written when the broker stopped, or is damaged
   * @throws JournalDamaged when some of the journal is missing or damaged
   */
  *recover(from: Place, onTorn?: (end: TornEnd) => void): Generator<JournalRecord> {
    this.#removeUnwritten(from);
    const ids = this.#folder.ids();
    const last = ids.at(-1) ?? 0;
    this.#nextId = Math.max(from.segment, last + 1);
    this.#previousEnd = from.position;
    for (const id of ids) this.#closed.set(id, this.#folder.bytesOf(id));
    if (from.position === 0 && last < from.segment) return;
    // A broker that was killed may have left the names of its files unsynced; the database is to name none that can go.
    this.#folder.sync();
    for (let id = from.segment; id <= Math.max(from.segment, last); id++) {
      const segment = this.#segment(id);
      const isFirst = id === from.segment;
      if (isFirst && segment.fileBytes < from.position) throw isDamaged(id, segment.fileBytes);
      if (!segment.hasHeader) {
        // Without a record behind it there is none that its header would tell.
        if (isFirst && id === last && segment.fileBytes === from.position) return;
        throw isDamaged(id, 0);
      }
      if (!isFirst && segment.previousEnd !== this.#previousEnd) throw isDamaged(id - 1, this.#previousEnd);
      this.#previousEnd = yield* recordsOf(segment, isFirst ? from.position : 0, id === last, onTorn);
      segment.trimTo(this.#previousEnd);
      // A broker that was killed may have left it unsynced, and what comes to be now, in another file, counts on it.
      if (id === last) segment.sync();
      this.#closed.set(id, segment.fileBytes);
    }
  }

  /** The records from a place on, of all that was appended. */
  *replay(from: Place): Generator<JournalRecord> {
    const { segment: last } = this.end;
    for (let id = from.segment; id <= last; id++) {
      if (id !== this.#current?.id && !this.#closed.has(id)) return;
      yield* recordsOf(this.#segment(id), id === from.segment ? from.position : 0, id === this.#current?.id);
    }
  }

  /** The segments that there are, but for the one that is written to, with the bytes of their files. */
  get closed(): ReadonlyMap<number, number> {
    return this.#closed;
  }

  pathOf(id: number): string {
    return this.#folder.path(id);
  }

  /** What the file of the segment that is written to has: all that a spare had, when it was one. */
  get currentBytes(): number {
    return this.#current?.fileBytes ?? 0;
  }

  get fileBytes(): number {
    let bytes = this.currentBytes;
    for (const each of this.#closed.values()) bytes += each;
    return bytes;
  }

  /** What can be written before the disk has to give more. */
  get roomBytes(): number {
    const { fileBytes = 0, end = 0 } = this.#current ?? {};
    return fileBytes - end + this.#folder.spares * SEGMENT_BYTES;
  }

  /** What is appended from now on lies at this place or behind it. */
  get end(): Place {
    const current = this.#current;
    return current === undefined
      ? { segment: this.#nextId, position: 0 }
      : { segment: current.id, position: current.end };
  }

  /** Where the data of the next record will lie. */
  locate({ bytes, metaBytes }: UnsealedRecord): Place {
    const recordBytes = bytes.length;
    const end = this.#current?.end ?? 0;
    if (end > SEGMENT_HEADER_BYTES && end + recordBytes > SEGMENT_BYTES) this.closeSegment();
    this.#current ??= this.#begin();
    return {
      segment: this.#current.id,
      position: this.#current.placeOf(recordBytes) + RECORD_HEAD_BYTES + metaBytes,
    };
  }

  /**
   * Appends the record for which `locate` was asked, and syncs it.
   *
   * @throws Error with the code ENOSPC or EDQUOT when there is no room: the record is not there
   */
  append(record: UnsealedRecord): void {
    this.#current!.append(record);
  }

  /** The next record begins a segment. */
  closeSegment(): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#previousEnd = current.end;
    this.#closed.set(current.id, current.fileBytes);
    this.#keepOpen(current);
    this.#current = undefined;
  }

  /** The same, for good: what lies behind the last record is given back. */
  endSegment(): void {
    this.#current?.trimTo(this.#current.end);
    this.closeSegment();
  }

  read({ segment, position }: Place, length: number): Buffer<ArrayBuffer> {
    return this.#segment(segment).read(position, length);
  }

  /** The records of a segment that is closed, from a position on, up to where it is damaged so that they cannot be told. */
  *metas({ segment: id, position }: Place): Generator<RecordMeta, void> {
    const segment = this.#segment(id);
    if (segment.hasHeader) yield* metasOf(segment, position);
  }

  /** Keeps these segments as they are until others, or none, are pinned. */
  pin(ids: Iterable<number>): void {
    this.#pinned = new Set(ids);
  }

  get pinned(): ReadonlySet<number> {
    return this.#pinned;
  }

  /** Nobody needs what is in the segment any more. It is not pinned. */
  release(id: number): void {
    const bytes = this.#closed.get(id);
    if (bytes === undefined) return;
    this.#closed.delete(id);
    this.#open.get(id)?.close();
    this.#open.delete(id);
    const isOfUse = bytes > SEGMENT_BYTES / 2 && bytes <= SEGMENT_BYTES * 1.25;
    if (isOfUse && this.#folder.spares < SPARES_MAX) this.#folder.keep(id);
    else this.#folder.remove(id);
  }

  releaseSpares(): void {
    this.#folder.removeSpares();
  }

  close(): void {
    this.endSegment();
    for (const segment of this.#open.values()) segment.close();
    this.#open.clear();
    this.releaseSpares();
  }

  #begin(): Segment {
    const id = this.#nextId;
    this.#folder.useSpare(id);
    const segment = Segment.begin(this.#folder.path(id), { id, previousEnd: this.#previousEnd });
    try {
      this.#folder.sync();
    } catch (error) {
      segment.close();
      throw error;
    }
    this.#nextId++;
    return segment;
  }

  /** A last segment that was not written to has no record: nobody was told of what it was made for. */
  #removeUnwritten(from: Place): void {
    const last = this.#folder.ids().at(-1);
    if (last === undefined) return;
    const mayBe = last > from.segment || (last === from.segment && from.position === 0);
    if (mayBe && Segment.isUnwritten(this.#folder.path(last), last)) this.#folder.remove(last);
  }

  #segment(id: number): Segment {
    if (this.#current?.id === id) return this.#current;
    let segment = this.#open.get(id);
    if (segment === undefined) {
      const path = this.#folder.path(id);
      if (!existsSync(path)) throw new JournalDamaged(`segment ${id} of the journal is missing: '${path}'`);
      segment = Segment.open(path, id) ?? Segment.openWithoutHeader(path, id);
    } else this.#open.delete(id);
    this.#keepOpen(segment);
    return segment;
  }

  /** The one that was used last comes last. */
  #keepOpen(segment: Segment): void {
    this.#open.set(segment.id, segment);
    if (this.#open.size <= OPEN_MAX) return;
    const [oldest] = this.#open.values();
    this.#open.delete(oldest!.id);
    oldest!.close();
  }
}

function isDamaged(id: number, position: number): JournalDamaged {
  return new JournalDamaged(`segment ${id} of the journal is damaged at byte ${position}`);
}
