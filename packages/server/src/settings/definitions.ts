import {
  FRAME_OVERHEAD_BYTES,
  HANDSHAKE_BYTES_MAX,
  HANDSHAKE_TIMEOUT_MS,
  MESSAGE_BYTES_MAX,
  UNCONFIRMED_BATCHES_MAX,
} from '@simplemq/protocol';
import { bytes, flag, type Kind, milliseconds, oneOf, text, wholeNumber } from './kinds.ts';
import { CLIENT_CERTIFICATES, LOG_LEVELS, type SettingKey, type SettingValue } from './settings.ts';

export interface Definition<T> {
  readonly kind: Kind<NonNullable<T>>;
  readonly fallback: T;
  readonly description: string;
  /** When another value counts after a reload: at once, for connections that open from then on, or only at a start. */
  readonly changes: 'now' | 'newConnections' | 'restart';
  /** A relative path; see load-settings.ts for what it counts from. */
  readonly isPath?: boolean;
}

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const COUNT_MAX = 10_000_000;
/** The broker keeps the receipts of twice as many publishes for each producer. */
const BATCHES_MAX = 65_536;

/** Every setting there is, in the order in which they are shown. Environment names are derived from the keys. */
export const DEFINITIONS: { readonly [K in SettingKey]: Definition<SettingValue<K>> } = {
  host: {
    kind: text('the name or address to listen on'),
    fallback: 'localhost',
    description: 'Name or address to listen on; localhost is 127.0.0.1 and ::1.',
    changes: 'restart',
  },
  port: {
    kind: wholeNumber(0, 65_535),
    fallback: 9090,
    description: 'TCP port to listen on; 0 takes a free one.',
    changes: 'restart',
  },
  allowRemote: {
    kind: flag(),
    fallback: false,
    description:
      'Listen beyond this machine without users, so that who reaches the port may do everything, or without TLS, so that it can be read.',
    changes: 'restart',
  },
  'tls.cert': {
    kind: text('a file'),
    fallback: undefined,
    description:
      'Certificate of the port, with those between it and its root, as PEM: the port then speaks TLS, 1.2 or newer.',
    isPath: true,
    changes: 'restart',
  },
  'tls.key': {
    kind: text('a file'),
    fallback: undefined,
    description:
      'Private key of tls.cert, as PEM without a passphrase. Both are read again when they change.',
    isPath: true,
    changes: 'restart',
  },
  'tls.ca': {
    kind: text('a file'),
    fallback: undefined,
    description: "Certificates, as PEM, of those who sign clients' certificates; see tls.clientCertificates.",
    isPath: true,
    changes: 'restart',
  },
  'tls.clientCertificates': {
    kind: oneOf(CLIENT_CERTIFICATES),
    fallback: 'none',
    description:
      'none; request: a client may have one, which must be signed by tls.ca then; require: a client must have one.',
    changes: 'restart',
  },
  'storage.path': {
    kind: text('a folder'),
    fallback: './data',
    description: "Folder of the database; ':memory:' keeps everything in memory only.",
    isPath: true,
    changes: 'restart',
  },
  'storage.cacheBytesMax': {
    kind: bytes(MIB, 1024 * GIB),
    fallback: 32 * MIB,
    description: 'Memory for recent batches, so that followers who keep up read no disk.',
    changes: 'restart',
  },
  'storage.maxBytes': {
    kind: bytes(MIB, 2 ** 50),
    fallback: undefined,
    description:
      'What messages and the database may take; past it publishes are refused with StorageFull. Not set: the disk.',
    changes: 'restart',
  },
  'storage.slowAfterMs': {
    kind: milliseconds(1_000),
    fallback: 30_000,
    description:
      'Time after which a storage that has not answered is slow: the log says so, and the broker is not ready.',
    changes: 'now',
  },
  'limits.maxConnections': {
    kind: wholeNumber(1, COUNT_MAX),
    fallback: 10_000,
    description: 'Connections at a time; further ones get TooManyConnections.',
    changes: 'now',
  },
  'limits.maxMessageBytes': {
    kind: bytes(1, GIB),
    fallback: MESSAGE_BYTES_MAX,
    description: 'Largest body of one message; a larger one gets MessageTooLarge.',
    changes: 'newConnections',
  },
  'limits.maxFrameBytes': {
    kind: bytes(HANDSHAKE_BYTES_MAX, 2 * GIB - 1),
    fallback: MESSAGE_BYTES_MAX + FRAME_OVERHEAD_BYTES,
    description: `Largest frame; a longer one is a ProtocolViolation. Not set: maxMessageBytes and ${FRAME_OVERHEAD_BYTES / KIB} KiB.`,
    changes: 'newConnections',
  },
  'limits.maxUnconfirmedBatches': {
    kind: wholeNumber(1, BATCHES_MAX),
    fallback: UNCONFIRMED_BATCHES_MAX,
    description:
      'Requests of one connection that may await their answer; past it the connection is not read.',
    changes: 'now',
  },
  'limits.maxUnconfirmedBytes': {
    kind: bytes(64 * KIB, 1024 * GIB),
    fallback: 16 * MIB,
    description: 'Bytes of such requests of one connection; past it the connection is not read.',
    changes: 'now',
  },
  'limits.maxUnconfirmedBytesTotal': {
    kind: bytes(64 * KIB, 1024 * GIB),
    fallback: 16 * MIB,
    description: 'Bytes of such requests of all connections; past it those that send more are not read.',
    changes: 'now',
  },
  'limits.maxOutgoingBytes': {
    kind: bytes(2 * MIB, 1024 * GIB),
    fallback: 64 * MIB,
    description:
      'Bytes that may wait for one client to read them; past it the connection is closed. Not set: at least five frames.',
    changes: 'now',
  },
  'limits.maxFollowersPerConnection': {
    kind: wholeNumber(1, COUNT_MAX),
    fallback: 1_000,
    description: 'Followers of one connection; a further one gets TooManyFollowers.',
    changes: 'newConnections',
  },
  'limits.maxStreams': {
    kind: wholeNumber(1, COUNT_MAX),
    fallback: 100_000,
    description: 'Streams in all; a further one gets TooManyStreams.',
    changes: 'restart',
  },
  'limits.maxDedupIds': {
    kind: wholeNumber(1, 1_000_000_000),
    fallback: 5_000_000,
    description:
      'Message ids that are remembered, over all streams, at 32 to 55 bytes each; past it the oldest go early.',
    changes: 'restart',
  },
  heartbeatMs: {
    kind: milliseconds(10),
    fallback: 10_000,
    description: 'Each side sends something at least this often; who is silent three times as long is gone.',
    changes: 'newConnections',
  },
  handshakeTimeoutMs: {
    kind: milliseconds(10),
    fallback: HANDSHAKE_TIMEOUT_MS,
    description: 'Time that a new connection has for its HELLO.',
    changes: 'newConnections',
  },
  shutdownTimeoutMs: {
    kind: milliseconds(1),
    fallback: 10_000,
    description: 'Time that a shutdown has to answer what it took and to finish its commits.',
    changes: 'now',
  },
  producerWindowMs: {
    kind: milliseconds(1_000),
    fallback: 3_600_000,
    description: 'Time within which a publish that is sent again, as after a reconnect, is stored once.',
    changes: 'restart',
  },
  backupPatienceMs: {
    kind: milliseconds(10),
    fallback: 30_000,
    description:
      'Time that a client which takes a backup may be behind, at 128 KiB a second; past it the backup is ended.',
    changes: 'now',
  },
  'logs.level': {
    kind: oneOf(LOG_LEVELS),
    fallback: 'info',
    description: 'Least level that is logged: trace, debug, info, warn, error, fatal or silent.',
    changes: 'now',
  },
  'logs.path': {
    kind: text('a folder'),
    fallback: undefined,
    description:
      'Folder for log files, a new one each day or 64 MiB, the last 14 kept. Not set: standard error.',
    isPath: true,
    changes: 'restart',
  },
};

export const SETTING_KEYS: readonly SettingKey[] = Object.keys(DEFINITIONS) as SettingKey[];

/** 'limits.maxConnections' is set by SIMPLEMQ_LIMITS_MAX_CONNECTIONS. */
export function variableOf(key: SettingKey): string {
  const words = key.replaceAll('.', '_').replace(/[A-Z]/g, '_$&');
  return `SIMPLEMQ_${words.toUpperCase()}`;
}
