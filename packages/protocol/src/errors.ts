import { closesConnection, type ErrorCode } from './error-codes.ts';

export interface ErrorOptions {
  cause?: unknown;
  /** Facts for programs: which stream, option, limit; plain msgpack values. */
  details?: Readonly<Record<string, unknown>>;
}

/**
 * The one base of all errors that SimpleMQ raises. `code` is stable and is what programs should match on; the
 * message is for people: it says what was asked, why it cannot be, and what to do.
 */
export class SimpleMQError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = code;
    this.code = code;
    this.details = options.details ?? {};
  }

  /** Whether the connection on which it was raised is closed by it. */
  get closesConnection(): boolean {
    return closesConnection(this.code);
  }
}

const named = (code: ErrorCode) =>
  class extends SimpleMQError {
    constructor(message: string, options?: ErrorOptions) {
      super(code, message, options);
    }
  };

type NamedError = new (message: string, options?: ErrorOptions) => SimpleMQError;

/** No stream of that name. */
export const StreamNotFound: NamedError = named('StreamNotFound');
/** The stream exists with other options; `details.option` names the first that differs. */
export const StreamConflict: NamedError = named('StreamConflict');
/** No group of that name on the stream. */
export const GroupNotFound: NamedError = named('GroupNotFound');
/** The follower is not one of this connection's. */
export const FollowerNotFound: NamedError = named('FollowerNotFound');
/** No schedule of that name. */
export const ScheduleNotFound: NamedError = named('ScheduleNotFound');
/** The backup is not one of this connection's, or was ended because its client took it too slowly. */
export const BackupNotFound: NamedError = named('BackupNotFound');
/** A backup is under way, and there is one at a time. */
export const BackupRunning: NamedError = named('BackupRunning');
/** A stream or group name breaks a rule; the message names the rule. */
export const InvalidName: NamedError = named('InvalidName');
/** A pattern is not RE2 syntax or is too long; `details.position` where known. */
export const InvalidPattern: NamedError = named('InvalidPattern');
/** An option has a value that it cannot have; `details.option` names it. */
export const InvalidOption: NamedError = named('InvalidOption');
/** A body or its attributes are larger than the limit; `details.limit` names it. */
export const MessageTooLarge: NamedError = named('MessageTooLarge');
/** The stream is at its limit and rejects. */
export const StreamFull: NamedError = named('StreamFull');
/** The disk, or the storage limit, is full. What was confirmed stays. */
export const StorageFull: NamedError = named('StorageFull');
/** The storage failed; the engine confirms nothing any more. */
export const StorageFailed: NamedError = named('StorageFailed');
/** A regex bind with `mustMatch` matched no stream. */
export const NoMatchingStream: NamedError = named('NoMatchingStream');
/** An ack, nack or extend came too late: the message is acked, or leased to another. Nothing changed. */
export const StaleAck: NamedError = named('StaleAck');
/** Credentials are missing or wrong. */
export const Unauthenticated: NamedError = named('Unauthenticated');
/** The user may not do this. */
export const Forbidden: NamedError = named('Forbidden');
/** Passwords are checked one after another and too many wait, or too many were wrong; `details.retryAfterMs`. */
export const TooManyLogins: NamedError = named('TooManyLogins');
/** The server has as many connections as it takes. */
export const TooManyConnections: NamedError = named('TooManyConnections');
/** The connection has as many followers as it may have. */
export const TooManyFollowers: NamedError = named('TooManyFollowers');
/** The engine has as many streams as it may have. */
export const TooManyStreams: NamedError = named('TooManyStreams');
/** The engine keeps as many receipts for this producer as it may, of publishes whose outcome it may still ask for. */
export const TooManyReceipts: NamedError = named('TooManyReceipts');
/** The server does not have this feature or speak this version. */
export const Unsupported: NamedError = named('Unsupported');
/** The connection was lost, or could not be made. */
export const ConnectionLost: NamedError = named('ConnectionLost');
/** No answer within the request's time. */
export const RequestTimeout: NamedError = named('RequestTimeout');
/** A peer broke the protocol; its connection is closed. */
export const ProtocolViolation: NamedError = named('ProtocolViolation');
/** The server is shutting down. */
export const ServerClosing: NamedError = named('ServerClosing');

const CLASSES: Readonly<Record<ErrorCode, NamedError>> = {
  StreamNotFound,
  StreamConflict,
  GroupNotFound,
  FollowerNotFound,
  ScheduleNotFound,
  BackupNotFound,
  BackupRunning,
  InvalidName,
  InvalidPattern,
  InvalidOption,
  MessageTooLarge,
  StreamFull,
  StorageFull,
  StorageFailed,
  NoMatchingStream,
  StaleAck,
  Unauthenticated,
  Forbidden,
  TooManyLogins,
  TooManyConnections,
  TooManyFollowers,
  TooManyStreams,
  TooManyReceipts,
  Unsupported,
  ConnectionLost,
  RequestTimeout,
  ProtocolViolation,
  ServerClosing,
};

/** The error of the class that `code` names, as when one arrives over the wire. */
export function errorOf(code: ErrorCode, message: string, options?: ErrorOptions): SimpleMQError {
  return new CLASSES[code](message, options);
}
