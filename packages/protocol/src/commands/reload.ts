import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * RELOAD 0x59, client to server: the server is to read its settings again. Taken only from the server's own machine.
 * Control: an empty envelope.
 *
 * RELOADED 0xd9, the answer:
 *
 *   { changed: ["logs.level"], needRestart: ["port"] }
 *
 * Settings by their names: those that are different from now on, and those that were given another value that only a
 * restart brings. With a mistake in the settings nothing changes, and the answer is ERROR InvalidOption.
 */
export interface Reloaded {
  readonly changed: readonly string[];
  readonly needRestart: readonly string[];
}

export function encodeReload(requestId: number): Buffer {
  return encodeFrame(Opcode.Reload, requestId, encodeEnvelope({}));
}

export function decodeReload(payload: Buffer): void {
  decodeEnvelope('RELOAD', payload).end();
}

export function encodeReloaded(requestId: number, reply: Reloaded): Buffer {
  return encodeFrame(Opcode.Reloaded, requestId, encodeEnvelope({ ...reply }));
}

export function decodeReloaded(payload: Buffer): Reloaded {
  const fields = decodeEnvelope('RELOADED', payload);
  return { changed: fields.strings('changed'), needRestart: fields.strings('needRestart') };
}
