/** Every error code with whether the connection ends when the server sends it. */
const CLOSES_CONNECTION = {
  StreamNotFound: false,
  StreamConflict: false,
  GroupNotFound: false,
  FollowerNotFound: false,
  ScheduleNotFound: false,
  BackupNotFound: false,
  BackupRunning: false,
  InvalidName: false,
  InvalidPattern: false,
  InvalidOption: false,
  MessageTooLarge: false,
  StreamFull: false,
  StorageFull: false,
  StorageFailed: false,
  NoMatchingStream: false,
  StaleAck: false,
  Unauthenticated: true,
  Forbidden: false,
  TooManyLogins: true,
  TooManyConnections: true,
  TooManyFollowers: false,
  TooManyStreams: false,
  TooManyReceipts: false,
  Unsupported: false,
  ConnectionLost: true,
  RequestTimeout: false,
  ProtocolViolation: true,
  ServerClosing: true,
} as const;

export type ErrorCode = keyof typeof CLOSES_CONNECTION;

export const ERROR_CODES: readonly ErrorCode[] = Object.keys(CLOSES_CONNECTION) as ErrorCode[];

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(CLOSES_CONNECTION, code);
}

export function closesConnection(code: ErrorCode): boolean {
  return CLOSES_CONNECTION[code];
}
