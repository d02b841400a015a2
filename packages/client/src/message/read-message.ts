import { inspect } from 'node:util';
import type { Attributes } from '@simplemq/protocol';
import { PRIORITIES, type Priority } from './priority.ts';
import type { RecordRun } from './record-run.ts';

/** Bodies are decoded on first sight; this says that one was not. */
const UNREAD: unique symbol = Symbol('unread');

/** A message as it is read without a group: there is nothing to settle. */
export class ReadMessage<T = unknown> {
  /** Its number in its stream, from 1. */
  readonly sequence: number;
  readonly #run: RecordRun<T>;
  readonly #offset: number;
  #body: T | typeof UNREAD = UNREAD;
  #attributes: Attributes | undefined;

  constructor(run: RecordRun<T>, sequence: number, offset: number) {
    this.sequence = sequence;
    this.#run = run;
    this.#offset = offset;
  }

  get stream(): string {
    return this.#run.stream;
  }

  /**
   * What was published. Bytes are a view of the received frame: copy them to keep them for long.
   *
   * @throws ProtocolViolation when the codec cannot decode it
   */
  get body(): T {
    if (this.#body === UNREAD) this.#body = this.#run.body(this.#offset, this.sequence);
    return this.#body;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.attributes.headers ?? {};
  }

  get key(): string | undefined {
    return this.attributes.key;
  }

  get priority(): Priority {
    return PRIORITIES[this.attributes.priority ?? 1] ?? 'normal';
  }

  /** When the broker took it in. */
  get timestamp(): Date {
    return new Date(this.#run.time);
  }

  /** All that the message has beside its body. For the SDK's own use. */
  protected get attributes(): Attributes {
    this.#attributes ??= this.#run.attributes(this.#offset);
    return this.#attributes;
  }

  static {
    Object.defineProperty(ReadMessage.prototype, inspect.custom, {
      value(this: ReadMessage, _depth: number, options: object): string {
        const { stream, sequence } = this;
        return `${this.constructor.name} ${inspect({ stream, sequence, body: shownBody(this) }, options)}`;
      },
    });
  }
}

/** The body, or why it cannot be shown. */
export function shownBody(message: { readonly body: unknown }): unknown {
  try {
    return message.body;
  } catch (error) {
    return error;
  }
}

/** Calls `make` with the place of each record of a run whose first message has the number `first`. */
export function eachRecord(
  run: RecordRun<unknown>,
  first: number,
  count: number,
  make: (sequence: number, offset: number) => void,
): void {
  for (let i = 0, offset = 0; i < count; i++, offset = run.after(offset)) make(first + i, offset);
}
