import type { SimpleMQError, WelcomeLimits } from '@simplemq/protocol';

/**
 * What goes to the broker under a number of the producer's and is done there once, however often it is sent: a batch of
 * messages, a transaction.
 */
export interface Numbered<Answer = unknown> {
  /** 0 until it is first sent. */
  number: number;
  /** When that was, by performance.now(). */
  firstSentAt: number;
  /** Its request's opcode. */
  readonly opcode: number;
  /** What an error calls it: 'a publish'. */
  readonly what: string;
  /** What the broker must be able to do for it, as bits; see features.ts. */
  readonly features: number;
  /** Whether a server with these limits takes it as it is. */
  fits(limits: WelcomeLimits): boolean;
  /** Called, before it is numbered, when it does not fit: puts what does fit in its place, or rejects it. */
  refit(limits: WelcomeLimits): void;
  /** The frame up to its record batches. */
  head(requestId: number, settled: number): Buffer;
  /** Its record batches, one after the other. Always the same. */
  batches(): Buffer;
  /** @throws ProtocolViolation */
  decodeAnswer(payload: Buffer): Answer;
  /** Called once, unless `reject` is. */
  confirm(answer: Answer): void;
  reject(error: SimpleMQError): void;
}

/** Where they come from: a publisher, the transactions of a connection. */
export interface NumberedSource {
  /** The next that may go, closed; undefined when there is none now. */
  take(): Numbered | undefined;
  /** Rejects everything that was not taken. */
  failed(error: SimpleMQError): void;
}
