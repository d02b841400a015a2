import type { Message } from '../follower/message.ts';
import type { MessageHandler } from '../follower/run-options.ts';
import { issuesText, type SchemaResult, type StandardSchema } from './standard-schema.ts';

const REASON_LENGTH_MAX = 1_000;

/**
 * Looks at the bodies of messages that arrive. One that is not valid, or cannot be decoded, is rejected with the issues
 * as reason; when the validator itself fails the message is nacked.
 */
export class BodyCheck<T> {
  readonly #schema: StandardSchema<unknown, T>;

  constructor(schema: StandardSchema<unknown, T>) {
    this.#schema = schema;
  }

  /** Calls `handler` with valid messages only. */
  before(handler: MessageHandler<T>): MessageHandler<T> {
    return (message) => {
      const accepted = this.accepts(message);
      if (typeof accepted !== 'boolean') return accepted.then((valid) => valid && handler(message));
      return accepted && handler(message);
    };
  }

  /** Whether the message is valid, and shows what the schema makes of its body; it is settled otherwise. */
  accepts(message: Message<T>): boolean | Promise<boolean> {
    let body: unknown;
    try {
      body = message.body;
    } catch (error) {
      return reject(message, (error as Error).message);
    }
    try {
      const result = this.#schema['~standard'].validate(body);
      if (!(result instanceof Promise)) return judge(message, result);
      return result.then(
        (settled) => judge(message, settled),
        (error: unknown) => giveBack(message, error),
      );
    } catch (error) {
      return giveBack(message, error);
    }
  }
}

function judge<T>(message: Message<T>, result: SchemaResult<T>): boolean {
  if (result.issues !== undefined) return reject(message, issuesText(result.issues));
  message.replaceBody(result.value);
  return true;
}

function reject(message: Message<unknown>, reason: string): false {
  if (message.unsettled) void message.reject(reason.slice(0, REASON_LENGTH_MAX));
  return false;
}

function giveBack(message: Message<unknown>, error: unknown): false {
  const text = error instanceof Error ? error.message : String(error);
  message.giveUp({ reason: `the schema could not look at it: ${text}`.slice(0, REASON_LENGTH_MAX) });
  return false;
}
