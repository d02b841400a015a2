import { Bind, type Connection, Follower, Publisher } from '@simplemq/client';
import { bodyOf, keepInFlight } from '../../role.ts';
import { takeAll } from './take-all.ts';

const STREAM = 'warm-up';
const MESSAGES = 20_000;
const WINDOW = 2_000;

/** Publishes and consumes over a stream of its own, so that the code of both processes is compiled. */
export async function warmUp(connection: Connection): Promise<void> {
  await connection.cursor().createStream(STREAM);
  const publisher = new Publisher(connection, new Bind(STREAM));
  const body = bodyOf(128);
  await keepInFlight(MESSAGES, WINDOW, () => publisher.sendMessage(body));
  await takeAll(new Follower(connection, new Bind(STREAM)), MESSAGES);
}
