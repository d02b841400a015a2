/**
 * Kept free for what makes room: acks are written to the journal, and from there to the database, before anything is
 * freed. A disk that publishes have filled to the last byte could take neither.
 */
const RESERVE_BYTES_MAX = 64 * 1024 * 1024;
/** Of a small disk, this share. */
const RESERVE_SHARE = 0.1;
/** What only moves may use the reserve too, down to this share of it: the rest is for acks alone. */
const FLOOR_SHARE = 0.5;

/** As statfs tells. */
export interface DiskSpace {
  readonly bavail: number;
  readonly blocks: number;
  readonly bsize: number;
}

/** Of a commit. */
export interface CommitBytes {
  /** 0 when all that it brings only moves. */
  readonly newBytes: number;
  readonly movedBytes: number;
}

/**
 * Whether a disk can take a commit that adds this many bytes.
 *
 * @param roomBytes what is free inside the journal, which a commit uses before it makes a file longer
 */
export function hasRoom(disk: DiskSpace, { newBytes, movedBytes }: CommitBytes, roomBytes: number): boolean {
  const reserve = Math.min(RESERVE_BYTES_MAX, disk.blocks * disk.bsize * RESERVE_SHARE);
  const free = disk.bavail * disk.bsize + roomBytes - newBytes;
  return (newBytes === 0 || free >= reserve) && free - movedBytes >= reserve * FLOOR_SHARE;
}
