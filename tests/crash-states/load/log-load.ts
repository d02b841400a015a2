import { Bind, type Connection, Follower, Publisher } from '@simplemq/client';
import { bodyOf } from '../trace/body.ts';
import { settled } from './settled.ts';

const LEDGER = 'ledger';
const REPLAY = 'replay';
const TICK = 'tick';
const HOLIDAY = 'holiday';
const MESSAGES_MAX = 30;
const IN_ROUND = 6;
const DAY_MS = 24 * 60 * 60 * 1000;
const BACK = 8;
/** Every how many rounds. */
const RESET_EVERY = 2;
const PURGE_EVERY = 5;
const SCHEDULE_EVERY = 3;

/** A log that drops its oldest, into which a schedule publishes too, and a group that is moved back again and again. */
export class LogLoad {
  readonly #connection: Connection;
  readonly #publisher: Publisher<Uint8Array>;
  readonly #ticked = Promise.withResolvers<void>();
  #ids = 0;
  #rounds = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#publisher = new Publisher<Uint8Array>(connection, new Bind(LEDGER));
  }

  /** Resolves when a message of the schedule has come. */
  get ticked(): Promise<void> {
    return this.#ticked.promise;
  }

  async create(): Promise<void> {
    const cursor = this.#connection.cursor();
    await cursor.createStream(LEDGER, {
      retention: 'log',
      maxMessages: MESSAGES_MAX,
      overflow: 'drop-oldest',
    });
    await cursor.createGroup(LEDGER, REPLAY, { startFrom: { sequence: 1 } });
    await cursor.saveSchedule(TICK, { stream: LEDGER, cron: '* * * * * *', body: bodyOf(TICK, 80) });
  }

  async round(): Promise<void> {
    const cursor = this.#connection.cursor();
    const round = ++this.#rounds;
    const sends: Promise<{ streams: readonly { sequence?: number }[] }>[] = [];
    for (let i = 0; i < IN_ROUND; i++) {
      const sent = this.#publisher.sendMessage(bodyOf(`l${++this.#ids}`, 150));
      if (i % 2 === 0) await sent;
      sends.push(sent);
    }
    const last = (await sends.at(-1)!).streams[0]!.sequence!;
    const sequence = Math.max(1, last - BACK);
    await settled(cursor.updateGroup(LEDGER, REPLAY, { retry: { maxDeliveries: 20 + round } }));
    if (round % RESET_EVERY === 0) await settled(cursor.resetGroup(LEDGER, REPLAY, { sequence }));
    if (round % PURGE_EVERY === 0) await settled(cursor.purgeStream(LEDGER, { sequence }));
    if (round % SCHEDULE_EVERY === 0) {
      await cursor.saveSchedule(HOLIDAY, { stream: LEDGER, cron: '0 0 1 1 *', body: bodyOf(HOLIDAY, 50) });
    } else if (round % SCHEDULE_EVERY === 1 && round > 1) await settled(cursor.deleteSchedule(HOLIDAY));
  }

  async replay(signal: AbortSignal): Promise<void> {
    const follower = new Follower<Uint8Array>(this.#connection, new Bind(LEDGER), {
      group: REPLAY,
      leaseMs: DAY_MS,
      prefetch: 8,
    });
    for await (const message of follower.getMessages({ signal })) {
      if (Buffer.from(message.body).toString('latin1', 0, TICK.length) === TICK) this.#ticked.resolve();
      if (message.sequence % 5 !== 0) await settled(message.ack());
    }
  }
}
