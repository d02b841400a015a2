/**
 * One entry of the log, as shim.c writes it; all integers are little-endian:
 *
 *   0      4            8        16      24           28           32
 *   +------+------------+--------+-------+------------+------------+--------+--------+
 *   | kind | descriptor | offset | value | path bytes | data bytes | path … | data … |
 *   | u32  |    i32     |  u64   |  u64  |    u32     |    u32     |        |        |
 *   +------+------------+--------+-------+------------+------------+--------+--------+
 */
const HEAD_BYTES = 32;

/** What a process did, in the one order in which all of its threads did it. Paths are relative to the root. */
export type Operation =
  /** A process began: no descriptor of the one before it is open any more. */
  | { readonly kind: 'start' }
  | { readonly kind: 'open'; readonly descriptor: number; readonly flags: number; readonly path: string }
  | { readonly kind: 'close' | 'syncBegin' | 'syncEnd' | 'accept'; readonly descriptor: number }
  | { readonly kind: 'write'; readonly descriptor: number; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'length'; readonly descriptor: number; readonly length: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlink' | 'mkdir'; readonly path: string }
  | { readonly kind: 'send' | 'receive'; readonly descriptor: number; readonly bytes: Buffer };

/** Reads the entries of a log. One that was being written when its process was killed is left out. */
export function readOperations(log: Buffer): Operation[] {
  const operations: Operation[] = [];
  for (let at = 0; at + HEAD_BYTES <= log.length; ) {
    const pathAt = at + HEAD_BYTES;
    const bytesAt = pathAt + log.readUInt32LE(at + 24);
    const end = bytesAt + log.readUInt32LE(at + 28);
    if (end > log.length) break;
    const path = log.toString('utf8', pathAt, bytesAt);
    operations.push(operationAt(log, at, path, log.subarray(bytesAt, end)));
    at = end;
  }
  return operations;
}

function operationAt(log: Buffer, at: number, path: string, bytes: Buffer): Operation {
  const kind = log.readUInt32LE(at);
  const descriptor = log.readInt32LE(at + 4);
  const offset = Number(log.readBigUInt64LE(at + 8));
  const value = Number(log.readBigUInt64LE(at + 16));
  switch (kind) {
    case 1:
      return { kind: 'start' };
    case 2:
      return { kind: 'open', descriptor, flags: value, path };
    case 3:
      return { kind: 'close', descriptor };
    case 4:
      return { kind: 'write', descriptor, offset, bytes };
    case 5:
      return { kind: 'length', descriptor, length: value };
    case 6:
      return { kind: 'syncBegin', descriptor };
    case 7:
      return { kind: 'syncEnd', descriptor };
    case 8: {
      const [from = '', to = ''] = path.split('\0');
      return { kind: 'rename', from, to };
    }
    case 9:
      return { kind: 'unlink', path };
    case 10:
      return { kind: 'mkdir', path };
    case 11:
      return { kind: 'send', descriptor, bytes };
    case 12:
      return { kind: 'receive', descriptor, bytes };
    case 13:
      return { kind: 'accept', descriptor };
    default:
      throw new Error(`the log has an entry of kind ${kind} at byte ${at}`);
  }
}
