import type { LoadCase } from './load-case.ts';
import type { Facts } from './role.ts';

/** A broker that has worked, with nothing to remember. */
const BASE_MIB = 400;
/** Processes that connections are shared over: 10,000 are more than one of them may have files open. */
const PROCESSES = 4;

const MIB = 2 ** 20;
const CONNECTION_BYTES = 16 * 1024;
const GROUP_BYTES = 64 * 1024;
/** `limits.maxOutgoingBytes` of one client. */
const OUTGOING_MIB = 64;
/** `limits.maxUnconfirmedBytesTotal`. */
const UNCONFIRMED_MIB = 16;
/** What both threads let pass before they collect it; see docs/decisions/garbage-collection.md. */
const GARBAGE_MIB: number = 2 * 96;
const PENDING_BYTES = 256;

/** The loads of a size: 1 is what a broker has to stand, and tests take a share of it. */
export function loadCases(size: number): readonly LoadCase[] {
  const of = (whole: number): number => Math.max(1, Math.round(whole * size));
  const connections = of(10_000);
  const connects = of(1_000);
  const followers = of(1_000);
  const pending = Math.max(10_000, of(1_000_000));
  return [
    {
      id: 'connections',
      title: `${show(connections)} connections`,
      roles: Array.from({ length: PROCESSES }, () => ({
        role: 'connections',
        orders: { count: Math.ceil(connections / PROCESSES) },
      })),
      residentMibMax: BASE_MIB + (connections * CONNECTION_BYTES) / MIB,
      vacuous: atLeast('connections', connections),
    },
    {
      id: 'connects',
      title: `${show(connects)} connects a second`,
      roles: [{ role: 'connects', orders: { perSecond: connects } }],
      residentMibMax: BASE_MIB,
      vacuous: atLeast('welcomeASecond', connects * 0.9),
    },
    {
      id: 'slow-followers',
      title: `${show(followers)} slow followers, each with a group of its own`,
      roles: [{ role: 'slow-followers', orders: { count: followers } }],
      residentMibMax: BASE_MIB + (followers * GROUP_BYTES) / MIB,
      vacuous: atLeast('followers', followers),
    },
    {
      id: 'never-reads',
      title: 'a follower that never reads, on a stream of 25 MiB a second',
      roles: [{ role: 'never-reads' }],
      residentMibMax: BASE_MIB + 2 * OUTGOING_MIB,
      vacuous: atLeast('pending', 10),
    },
    {
      id: 'pour',
      title: 'publishers faster than the disk, 64 KiB a message',
      roles: [{ role: 'pour', orders: { connections: of(4), bodyBytes: 64 * 1024 } }],
      residentMibMax: BASE_MIB + GARBAGE_MIB + 4 * UNCONFIRMED_MIB,
      vacuous: atLeast('messages', 1_000),
    },
    {
      id: 'pour-small',
      title: 'publishers faster than the broker, 128 bytes a message',
      roles: [{ role: 'pour', orders: { connections: of(4), bodyBytes: 128 } }],
      residentMibMax: BASE_MIB + GARBAGE_MIB + 4 * UNCONFIRMED_MIB,
      vacuous: atLeast('messages', 1_000),
    },
    {
      id: 'pending',
      title: `${show(pending)} messages pending with one follower`,
      roles: [{ role: 'hold', orders: { pending } }],
      residentMibMax: BASE_MIB + (pending * PENDING_BYTES) / MIB,
      vacuous: atLeast('pending', pending),
    },
  ];
}

function atLeast(name: string, least: number): (facts: Facts) => string | undefined {
  return (facts) => {
    const value = facts[name] ?? 0;
    return value >= least ? undefined : `${name} was ${value}, and is to be ${Math.ceil(least)} at least`;
  };
}

function show(count: number): string {
  return count.toLocaleString('en');
}
