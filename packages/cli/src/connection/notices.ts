import type { Connection } from '@simplemq/client';

/** Tells of a lost connection and of its return, and of acks that came too late, by `tell`. */
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
    tell(`simplemq: ${messages} acks did not reach the broker in time; these messages are delivered again`);
  });
}
