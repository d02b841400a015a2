import { setTimeout as sleep } from 'node:timers/promises';
import { type Bind, Connection, Follower, type Message } from '@simplemq/client';
import { ChildLink } from './child-link.ts';
import { isDamaged } from './input-file.ts';
import type { Line, ReaderArguments, ReaderReport } from './messages.ts';
import { RangeCollector } from './number-ranges.ts';

/** What the workers and the follower do alike: takes lines, handles them, acks, and reports what it did. */
export async function readUntilStopped(bindOf: (pattern: string) => Bind): Promise<void> {
  const link = new ChildLink<ReaderArguments, ReaderReport>();
  const { name, port, bind, workMs, nackPercent } = link.arguments;
  const report = new Report();
  link.every(50, () => link.send(report.take()));
  const stop = new AbortController();
  link.onStop(() => stop.abort());

  await using connection = new Connection({ port, name, reconnect: { maxDelayMs: 500 } });
  connection.on('connected', () => report.connects++);
  const follower = new Follower<Line>(connection, bindOf(bind));
  for await (const message of follower.getMessages({ signal: stop.signal })) {
    report.delivery(message);
    if (Math.random() * 100 < nackPercent) {
      report.nacked++;
      void message.nack({ delayMs: 50, reason: 'the demo wants to see it again' });
      continue;
    }
    if (workMs > 0) await sleep(workMs);
    report.handling(message);
    // Not awaited one by one: acks travel together, and each is counted when the broker has it on disk.
    message.ack().then(
      () => report.acked(message),
      () => report.refused++,
    );
  }
}

class Report {
  nacked = 0;
  refused = 0;
  connects = 0;
  #delivered = 0;
  #redelivered = 0;
  #damaged = 0;
  readonly #handled = new RangeCollector();
  readonly #acked = new RangeCollector();

  delivery(message: Message<Line>): void {
    this.#delivered++;
    if (message.redelivered) this.#redelivered++;
    if (isDamaged(message.body)) this.#damaged++;
  }

  handling({ body }: Message<Line>): void {
    this.#handled.add(body.publisher, body.number);
  }

  acked({ body }: Message<Line>): void {
    this.#acked.add(body.publisher, body.number);
  }

  /** What is new since the last time. */
  take(): ReaderReport {
    const report = {
      delivered: this.#delivered,
      redelivered: this.#redelivered,
      nacked: this.nacked,
      damaged: this.#damaged,
      refused: this.refused,
      connects: this.connects,
      handled: this.#handled.take(),
      acked: this.#acked.take(),
    };
    this.#delivered = this.#redelivered = this.#damaged = this.nacked = this.refused = this.connects = 0;
    return report;
  }
}
