import { Opcode } from '../opcodes.ts';
import { type DeadLetterPage, decodeDeadLetterPage, encodeDeadLetterPage } from './dead-letter-page.ts';

/**
 * DEAD_LETTERS 0x40, client to server: a page of the dead letters of a stream, by sequence number of the dead-letter
 * stream. The request is laid out in dead-letter-page.ts; the answer, DEAD_LETTERS_REPLY 0xc0, in read-reply.ts. A page
 * may be empty and yet not the last.
 */
export function encodeDeadLetters(requestId: number, request: DeadLetterPage): Buffer {
  return encodeDeadLetterPage(Opcode.DeadLetters, requestId, request);
}

export function decodeDeadLetters(payload: Buffer): DeadLetterPage {
  return decodeDeadLetterPage('DEAD_LETTERS', payload);
}
