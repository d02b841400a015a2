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
 * REDRIVE 0x41, client to server: puts a page of dead letters back into their stream, as new messages, each for the
 * group in which it died alone. The request and the answer, REDRIVEN 0xc1, are laid out in dead-letter-page.ts.
 */
export function encodeRedrive(requestId: number, request: DeadLetterPage): Buffer {
  return encodeDeadLetterPage(Opcode.Redrive, requestId, request);
}

export function decodeRedrive(payload: Buffer): DeadLetterPage {
  return decodeDeadLetterPage('REDRIVE', payload);
}

export function encodeRedriven(requestId: number, reply: LettersMoved): Buffer {
  return encodeLettersMoved(Opcode.Redriven, requestId, reply);
}

export function decodeRedriven(payload: Buffer): LettersMoved {
  return decodeLettersMoved('REDRIVEN', payload);
}
