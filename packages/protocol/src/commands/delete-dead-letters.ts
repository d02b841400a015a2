import { Opcode } from '../opcodes.ts';
import {
  type DeadLetterPage,
  decodeDeadLetterPage,
  decodeLettersMoved,
  encodeDeadLetterPage,
  encodeLettersMoved,
  type LettersMoved,
} from './dead-letter-page.ts';

/**
 * DELETE_DEAD_LETTERS 0x42, client to server: a page of dead letters goes for good. The request and the answer,
 * DEAD_LETTERS_DELETED 0xc2, are laid out in dead-letter-page.ts.
 */
export function encodeDeleteDeadLetters(requestId: number, request: DeadLetterPage): Buffer {
  return encodeDeadLetterPage(Opcode.DeleteDeadLetters, requestId, request);
}

export function decodeDeleteDeadLetters(payload: Buffer): DeadLetterPage {
  return decodeDeadLetterPage('DELETE_DEAD_LETTERS', payload);
}

export function encodeDeadLettersDeleted(requestId: number, reply: LettersMoved): Buffer {
  return encodeLettersMoved(Opcode.DeadLettersDeleted, requestId, reply);
}

export function decodeDeadLettersDeleted(payload: Buffer): LettersMoved {
  return decodeLettersMoved('DEAD_LETTERS_DELETED', payload);
}
