import type { EngineEvent } from '@simplemq/broker';
import type { Logger } from 'pino';

/** How long redeliveries are added up before a line tells of them. */
const REDELIVERIES_MS = 5_000;
/** Different streams, groups and causes that are added up before a line tells of them sooner. */
const REDELIVERIES_MAX = 1_000;

type Redelivered = Extract<EngineEvent, { type: 'redelivered' }>;

const STREAM_LINES = {
  streamCreated: 'stream created',
  streamDeleted: 'stream deleted',
  streamPurged: 'stream purged',
} as const;

/** Writes what the engine tells into the log; redeliveries added up, since one nack may well bring thousands. */
export class EngineLog {
  readonly #logger: Logger;
  #redelivered = new Map<string, Redelivered>();
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  readonly onEvent = (event: EngineEvent): void => {
    if (event.type === 'redelivered') this.#add(event);
    // The server logs an engine that failed, as fatal, when `ended` settles.
    else if (event.type === 'failed') this.#logger.debug({ err: event.error }, 'engine failed');
    else {
      const { type, ...fields } = event;
      this.#logger.info(fields, STREAM_LINES[type]);
    }
  };

  /** Tells what has been added up. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { stream, group, cause, messages } of this.#redelivered.values()) {
      this.#logger.info({ stream, group, cause, messages }, 'messages go back for redelivery');
    }
    this.#redelivered.clear();
  }

  #add(event: Redelivered): void {
    const key = JSON.stringify([event.stream, event.group, event.cause]);
    const messages = (this.#redelivered.get(key)?.messages ?? 0) + event.messages;
    this.#redelivered.set(key, { ...event, messages });
    if (this.#redelivered.size >= REDELIVERIES_MAX) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), REDELIVERIES_MS).unref();
  }
}
