import type { Connection } from '@simplemq/client';
import { counted } from '../terminal/amounts.ts';

/** Tells of a lost connection and of its return, and of acks that were late or lost, by `tell`. */
export function tellOfConnection(connection: Connection, tell: (line: string) => void): void {
  const address = `${connection.host}:${connection.port}`;
  let isLost = false;
  connection.on('disconnected', () => {
    isLost = true;
    tell(`simplemq: the connection to ${address} was lost; reconnecting`);
  });
  connection.on('connected', () => {
    if (isLost) tell(`simplemq: connected to ${address} again`);
    isLost = false;
  });
  connection.on('staleAck', ({ ranges }) => {
    const messages = ranges
      .flatMap((entry) => entry.ranges)
      .reduce((sum, { first, last }) => sum + last - first + 1, 0);
    tell(`simplemq: no ack is certain for ${counted(messages, 'message')}, which may be delivered again`);
  });
}
