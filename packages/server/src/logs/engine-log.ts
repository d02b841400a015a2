import type { EngineEvent } from '@simplemq/broker';
import type { Logger } from 'pino';

/** How long events that come in numbers are added up before a line tells of them. */
const SUM_MS = 5_000;
/** Different streams, groups and causes that are added up before a line tells of them sooner. */
const SUMS_MAX = 1_000;

/** The lines of events that are added up, since one nack may well bring thousands of messages. */
const SUM_LINES: Readonly<Record<string, string>> = {
  redelivered: 'messages go back for redelivery',
  deadLettered: 'messages went to the dead letters',
  expired: 'messages expired before their turn came',
};

interface Sum {
  readonly line: string;
  /** What the events have in common: stream, group, cause. */
  readonly fields: object;
  messages: number;
}

/** Writes what the engine tells into the log; of a type that is not known here, the type's name is the line. */
export class EngineLog {
  readonly #logger: Logger;
  readonly #sums = new Map<string, Sum>();
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  readonly onEvent = (event: EngineEvent): void => {
    // The server logs an engine that failed, as fatal, when `ended` settles.
    if (event.type === 'failed') {
      this.#logger.debug({ err: event.error }, 'engine failed');
      return;
    }
    const { type, ...fields } = event;
    if (type === 'damaged') {
      this.#logger.error(fields, 'messages are damaged and were set aside: they are never delivered');
      return;
    }
    if (type === 'journalTorn') {
      this.#logger.warn(
        fields,
        'the journal ended in a commit that is not whole, and was left out: the broker was stopped while it wrote that, ' +
          'and had confirmed none of it, or it was damaged later',
      );
      return;
    }
    const line = SUM_LINES[type];
    if (line !== undefined && 'messages' in fields) this.#add(line, fields);
    else this.#logger.info(fields, inWords(type));
  };

  /** Tells what has been added up. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { line, fields, messages } of this.#sums.values()) {
      this.#logger.info({ ...fields, messages }, line);
    }
    this.#sums.clear();
  }

  #add(line: string, { messages, ...fields }: { readonly messages: number }): void {
    const key = JSON.stringify([line, fields]);
    const sum = this.#sums.get(key);
    if (sum === undefined) this.#sums.set(key, { line, fields, messages });
    else sum.messages += messages;
    if (this.#sums.size >= SUMS_MAX) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), SUM_MS).unref();
  }
}

/** 'streamCreated' is 'stream created'. */
function inWords(type: string): string {
  return type.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
