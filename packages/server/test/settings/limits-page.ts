import type { ErrorCode } from '@simplemq/protocol';
import * as broker from '../../../broker/src/limits.ts';
import * as protocol from '../../../protocol/src/limits.ts';
import { LARGE_ANSWERS_MAX } from '../../src/session/intake.ts';
import { OUTGOING_PAUSE_BYTES } from '../../src/session/socket-writer.ts';
import { DEFINITIONS } from '../../src/settings/definitions.ts';
import type { SettingKey } from '../../src/settings/settings.ts';

export const PAGE: URL = new URL('../../../../docs/LIMITS.md', import.meta.url);

/** What happens past a limit; the limits themselves, and their defaults, are read where they are defined. */
interface Past {
  readonly past: string;
  readonly error?: ErrorCode;
}

export const SETTINGS: { readonly [K in SettingKey]?: Past } = {
  'storage.cacheBytesMax': { past: 'the oldest batches leave memory, and are read from the disk again' },
  'storage.maxBytes': {
    past:
      'publishes are refused until there is room; acks go on and make some, and what only moves goes on: delayed ' +
      'messages that become due, dead letters, redrives',
    error: 'StorageFull',
  },
  'storage.slowAfterMs': { past: 'the log says so, and HEALTH says `storageSlow` until the storage answers' },
  'limits.maxConnections': { past: 'a further connection is refused', error: 'TooManyConnections' },
  'limits.maxMessageBytes': {
    past: 'the publish is refused, with all of its batch',
    error: 'MessageTooLarge',
  },
  'limits.maxFrameBytes': {
    past: 'the connection is closed before the frame is read',
    error: 'ProtocolViolation',
  },
  'limits.maxUnconfirmedBatches': { past: 'the connection is not read until half of them are answered' },
  'limits.maxUnconfirmedBytes': { past: 'the connection is not read until half of them are answered' },
  'limits.maxUnconfirmedBytesTotal': {
    past: 'connections with more than 16 KiB of them are not read until half of all are answered',
  },
  'limits.maxOutgoingBytes': { past: 'the connection is closed, as its client does not read' },
  'limits.maxFollowersPerConnection': { past: 'the FOLLOW is refused', error: 'TooManyFollowers' },
  'limits.maxStreams': { past: 'the stream is not created', error: 'TooManyStreams' },
  'limits.maxDedupIds': { past: 'the oldest ids are forgotten before their window is over' },
  heartbeatMs: { past: 'who is silent three times as long is gone: the connection is closed' },
  handshakeTimeoutMs: { past: 'the connection is closed', error: 'ProtocolViolation' },
  shutdownTimeoutMs: { past: 'requests that are not answered by then are not; what was confirmed stays' },
  producerWindowMs: { past: 'a publish that is sent again is stored again' },
  backupPatienceMs: { past: 'the backup is ended', error: 'BackupNotFound' },
};

const UNITS: readonly string[] = ['', ' KiB', ' MiB', ' GiB'];

const VALUES: Readonly<Record<string, number>> = { ...protocol };

type Constant = Exclude<keyof typeof protocol, 'PROTOCOL_VERSION'>;

export const CONSTANTS: { readonly [K in Constant]: Past & { readonly what: string } } = {
  HANDSHAKE_BYTES_MAX: {
    what: 'bytes that a client may send before WELCOME',
    past: 'the connection is closed',
    error: 'ProtocolViolation',
  },
  HANDSHAKE_TIMEOUT_MS: { what: 'ms; default of handshakeTimeoutMs', past: 'see there' },
  MESSAGE_BYTES_MAX: { what: 'bytes; default of limits.maxMessageBytes', past: 'see there' },
  FRAME_OVERHEAD_BYTES: {
    what: 'bytes of a frame beside the largest message',
    past: 'see limits.maxFrameBytes',
  },
  FRAME_OVERHEAD_BYTES_MIN: {
    what: 'the least that limits.maxFrameBytes is larger than limits.maxMessageBytes, in bytes',
    past: 'the broker does not start',
  },
  BATCH_RECORDS_MAX: {
    what: 'records in one batch; the SDK begins another',
    past: 'the connection is closed',
    error: 'ProtocolViolation',
  },
  ATTRIBUTES_BYTES_MAX: {
    what: "bytes of a message's headers and options",
    past: 'the SDK refuses the message; on a client that sends it the connection is closed as ProtocolViolation',
    error: 'MessageTooLarge',
  },
  ENVELOPE_DEPTH_MAX: {
    what: 'levels of nesting in an envelope',
    past: 'the connection is closed',
    error: 'ProtocolViolation',
  },
  ENVELOPE_VALUES_MAX: {
    what: 'values in an envelope',
    past: 'the connection is closed',
    error: 'ProtocolViolation',
  },
  NAME_LENGTH_MAX: {
    what: 'characters of the name of a stream, group or schedule',
    past: 'the request is refused',
    error: 'InvalidName',
  },
  PATTERN_LENGTH_MAX: {
    what: 'characters of a pattern',
    past: 'the request is refused',
    error: 'InvalidPattern',
  },
  UNCONFIRMED_BATCHES_MAX: { what: 'default of limits.maxUnconfirmedBatches', past: 'see there' },
  TRANSACTION_PUBLISHES_MAX: {
    what: 'batches in one transaction',
    past: 'the connection is closed; the SDK refuses it before, as MessageTooLarge',
    error: 'ProtocolViolation',
  },
};

/** Limits of the server and the broker that nothing sets. */
const FIXED: readonly (Past & { readonly limit: string; readonly what: string })[] = [
  {
    limit: bytes(OUTGOING_PAUSE_BYTES),
    what: 'answers that wait for one client to read them',
    past: 'its requests are not read until it has; closed when its system has taken none of them for three heartbeats',
  },
  {
    limit: count(LARGE_ANSWERS_MAX),
    what: 'lists and pages that one connection is given at a time',
    past: 'the connection is not read until half of them are answered',
  },
  {
    limit: count(broker.SCHEDULES_MAX),
    what: 'schedules',
    past: 'the schedule is not saved',
    error: 'InvalidOption',
  },
  {
    limit: bytes(broker.SCHEDULE_BYTES_MAX),
    what: 'message of a schedule, with its attributes',
    past: 'the schedule is not saved',
    error: 'MessageTooLarge',
  },
  {
    limit: bytes(broker.SCHEDULES_BYTES_MAX),
    what: 'messages of all schedules',
    past: 'the schedule is not saved',
    error: 'InvalidOption',
  },
  {
    limit: count(broker.CRON_LENGTH_MAX),
    what: 'characters of a cron expression',
    past: 'the schedule is not saved',
    error: 'InvalidOption',
  },
  {
    limit: count(broker.TIMEZONE_LENGTH_MAX),
    what: 'characters of the name of a time zone',
    past: 'the schedule is not saved',
    error: 'InvalidOption',
  },
  {
    limit: count(broker.GROUPS_PER_STREAM_MAX),
    what: 'groups of one stream, but those that follow a pattern when it is created',
    past: 'the group is not created, and the FOLLOW is refused',
    error: 'InvalidOption',
  },
  {
    limit: count(broker.GROUPS_MAX),
    what: `groups of all streams; ${broker.GROUPS_FOR_EACH_STREAM} for each stream, where that is more`,
    past: 'the group is not created, and the FOLLOW is refused',
    error: 'InvalidOption',
  },
  {
    limit: `${count(broker.MATCH_MS_MAX)} ms`,
    what: `trying a pattern against the names of all streams, and ${broker.MATCH_NAME_US_MAX} µs more for each of them`,
    past: 'the request is refused',
    error: 'InvalidPattern',
  },
];

/** The page as it should be. */
export function limitsPage(): string {
  const settings = Object.entries(SETTINGS).map(([key, { past, error }]) => {
    const { fallback, description, changes } = DEFINITIONS[key as SettingKey];
    return `| \`${key}\` | ${shown(key, fallback)} | ${description} | ${past} | ${code(error)} | ${WHEN[changes]} |`;
  });
  const constants = Object.entries(CONSTANTS).map(
    ([name, { what, past, error }]) =>
      `| \`${name}\` | ${VALUES[name]!.toLocaleString('en')} | ${what} | ${past} | ${code(error)} |`,
  );
  const fixed = FIXED.map(
    ({ limit, what, past, error }) => `| ${what} | ${limit} | ${past} | ${code(error)} |`,
  );
  return `${HEAD}
| setting | default | what it is | past it | error | reload |
|---|--:|---|---|---|---|
${settings.join('\n')}

${MIDDLE}
| constant | value | what it is | past it | error |
|---|--:|---|---|---|
${constants.join('\n')}

## What else is fixed

| what it is | limit | past it | error |
|---|--:|---|---|
${fixed.join('\n')}

${END}`;
}

const WHEN = { now: 'at once', newConnections: 'new connections', restart: 'restart' } as const;

const HEAD = `# Limits

Nothing in a broker grows without bound. This page is written by \`packages/server/test/settings/rewrite-limits.ts\` from
the definitions of the settings and of the protocol, and a test compares it with them. \`simplemq settings\` shows what is
set. *Reload* says when another value counts after \`simplemq reload\`, or SIGHUP to a broker without a terminal.

## What a deployment may set
`;

const MIDDLE = `## What is fixed by the protocol
`;

const END = `## What one commit may have

A message that goes to several streams is stored in each of them. One publish or transaction may store
${shown('bytes', broker.PUBLISH_BYTES_MAX)} in all of its streams together; past that nothing of it is stored, and it gets MessageTooLarge. When more than
${shown('bytes', broker.COMMIT_BYTES_MAX)} would wait for the disk with it, it gets StorageFull, and may be sent again. Streams in memory are not counted.

Dead letters are made, listed, redriven and deleted about 8 MiB at a time, and 1,000 at the most. Of an error 1,000
characters are kept, and no longer one can be looked for.

## What streams and groups have of their own

\`maxAgeMs\`, \`maxBytes\` and \`maxMessages\` of a stream: past them the oldest messages go, or publishes get StreamFull, as
\`overflow\` says ([retention](guide/retention.md)). \`maxDeliveries\` of a group: past it a message goes to the dead letters
([retries](guide/retries-and-dead-letters.md)). \`ratePerSecond\` of a group: past it messages wait
([rate limits](guide/rate-limits.md)). One backup at a time: a second gets BackupRunning.

## What is kept of publishers

The receipts that a publisher (a \`Connection\` of the SDK) may ask for again: of what it has not said that it knows the
outcome of, and of at most twice \`limits.maxUnconfirmedBatches\` publishes. When they take 64 MiB its publishes get
TooManyReceipts until it says so, which the SDK does by itself. Those of all publishers take 256 MiB, of at most 100,000
publishers: past it those that have published nothing for longest are forgotten early, and what they send again is stored
again.
`;

function code(error: ErrorCode | undefined): string {
  return error === undefined ? '–' : `\`${error}\``;
}

function shown(key: string, value: unknown): string {
  if (typeof value !== 'number') return 'none';
  if (key.endsWith('Ms')) return value % 1_000 === 0 ? `${value / 1_000} s` : `${value} ms`;
  if (!/bytes/i.test(key)) return value.toLocaleString('en');
  return bytes(value);
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function bytes(value: number): string {
  let unit = 0;
  let size = value;
  for (; size % 1024 === 0 && unit < UNITS.length - 1; unit++) size /= 1024;
  return `${size.toLocaleString('en')}${UNITS[unit]}`;
}
