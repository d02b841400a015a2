import { Bind, Connection, Publisher, type Receipt } from '@simplemq/client';
import { ChildLink } from './child-link.ts';
import { lineOf, readLines } from './input-file.ts';
import type { Line, PublisherArguments, PublisherReport } from './messages.ts';

// Sends every line of the file to two streams at once: the jobs, and the copies of this publisher. When it is through
// the file it begins again, until its time is over. Then it ends by itself.
const link = new ChildLink<PublisherArguments, PublisherReport>();
const { name, port, file, seconds } = link.arguments;
const lines = await readLines(file);

let sent = 0;
let confirmed = 0;
let connects = 0;
let durability = '';
link.every(50, () => link.send({ sent, confirmed, connects, durability }));

const connection = new Connection({ port, name: `publisher ${name}`, reconnect: { maxDelayMs: 500 } });
connection.on('connected', () => connects++);
const publisher = new Publisher<Line>(connection, new Bind(new RegExp(`^(jobs|copies\\.${name})$`)), {
  mustMatch: true,
});

const BATCH_LINES = 250;
const BATCHES_IN_FLIGHT = 4;
const inFlight: Promise<void>[] = [];
const endsAt = performance.now() + seconds * 1_000;

do {
  for (let at = 0; at < lines.length; at += BATCH_LINES) {
    const batch = lines.slice(at, at + BATCH_LINES).map((text) => lineOf(name, ++sent, text));
    inFlight.push(publisher.sendMessages(batch).then(countConfirmed));
    if (inFlight.length >= BATCHES_IN_FLIGHT) await inFlight.shift();
  }
} while (performance.now() < endsAt);
await Promise.all(inFlight);

function countConfirmed(receipts: readonly Receipt[]): void {
  confirmed += receipts.length;
  durability = receipts[0]!.durability;
}
