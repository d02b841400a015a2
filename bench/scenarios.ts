import { type RunningServer, runAlone, startRole } from './processes.ts';
import type { Figures, Orders } from './role.ts';

export interface Size {
  readonly messages: number;
  readonly bodyBytes: number;
}

/** A broker under test: how it is started is the runner's business, its roles are files in its folder. */
export interface Subject {
  readonly name: string;
  readonly folder: 'simplemq' | 'redis';
  /** The folder like this one that all of it is from, of another checkout. */
  readonly bench?: URL;
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly unit: 'messages/s' | 'ms';
  run(subject: Subject, server: RunningServer, size: Size, stream: string): Promise<Figures>;
}

const WINDOW = 10_000;
const CONNECTIONS = 100;

export const SCENARIOS: readonly Scenario[] = [
  {
    id: 'publish',
    title: `publish with confirms, one connection, window ${WINDOW.toLocaleString('en')}`,
    unit: 'messages/s',
    run: (subject, server, size, stream) =>
      runAlone(roleOf(subject, 'publish'), orders(server, size, stream)),
  },
  {
    id: 'consume',
    title: 'consume and ack, one follower',
    unit: 'messages/s',
    // The backlog that is consumed is the one that is published here, which is not measured.
    async run(subject, server, size, stream) {
      await runAlone(roleOf(subject, 'publish'), orders(server, size, stream));
      return runAlone(roleOf(subject, 'consume'), orders(server, size, stream));
    },
  },
  {
    id: 'both',
    title: 'both at once, publish to last ack',
    unit: 'messages/s',
    async run(subject, server, size, stream) {
      const consumer = await startRole(roleOf(subject, 'consume'), orders(server, size, stream));
      const publisher = await startRole(roleOf(subject, 'publish'), orders(server, size, stream));
      const [consumed, published] = await Promise.all([consumer.go(), publisher.go()]);
      return { seconds: Math.max(consumed.seconds, published.seconds), messages: size.messages };
    },
  },
  {
    id: 'awaited',
    title: 'one awaited publish',
    unit: 'ms',
    run: (subject, server, size, stream) =>
      runAlone(roleOf(subject, 'awaited'), orders(server, fewer(size, 200), stream)),
  },
  {
    id: 'connections',
    title: `${CONNECTIONS} connections, each awaiting its publish`,
    unit: 'messages/s',
    run: (subject, server, size, stream) =>
      runAlone(roleOf(subject, 'connections'), orders(server, fewer(size, 20), stream)),
  },
];

function roleOf({ folder, bench }: Subject, role: string): URL {
  return new URL(`./${folder}/${role}.ts`, bench ?? import.meta.url);
}

function fewer({ messages, bodyBytes }: Size, divisor: number): Size {
  return { messages: Math.max(1_000, Math.round(messages / divisor)), bodyBytes };
}

function orders(server: RunningServer, size: Size, stream: string): Orders {
  return { server: server.address, stream, ...size, window: WINDOW, connections: CONNECTIONS };
}
