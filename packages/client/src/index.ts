export {
  BackupNotFound,
  BackupRunning,
  ConnectionLost,
  type ErrorCode,
  FollowerNotFound,
  Forbidden,
  type GroupInfo,
  GroupNotFound,
  type GroupOptions,
  type GroupSummary,
  InvalidName,
  InvalidOption,
  InvalidPattern,
  MessageTooLarge,
  NoMatchingStream,
  ProtocolViolation,
  type Reloaded,
  RequestTimeout,
  type RetryOptions,
  ScheduleNotFound,
  ServerClosing,
  SimpleMQError,
  StaleAck,
  StorageFailed,
  StorageFull,
  StreamConflict,
  StreamFull,
  StreamNotFound,
  type StreamOptions,
  type StreamRanges,
  type StreamSummary,
  TooManyConnections,
  TooManyFollowers,
  TooManyLogins,
  TooManyReceipts,
  TooManyStreams,
  Unauthenticated,
  Unsupported,
  type WelcomeLimits,
} from '@simplemq/protocol';
export { Bind, BindType } from './bind.ts';
export { type Codec, json, raw } from './codec/codec.ts';
export { msgpack } from './codec/msgpack.ts';
export type { ConnectFailureKind } from './connection/connect-failure.ts';
export { Connection } from './connection/connection.ts';
export type { ConnectionEvents, StaleAcks } from './connection/events.ts';
export type { ConnectionOptions, ReconnectOptions } from './connection/options.ts';
export type { Backup } from './cursor/backup.ts';
export { Cursor, type SessionInfo } from './cursor/cursor.ts';
export type {
  DeadLetterFilter,
  DeadLetterOptions,
  LettersProgress,
  MoveLettersOptions,
} from './cursor/dead-letters.ts';
export type { DelayedMessages } from './cursor/delayed.ts';
export type { CreateGroupOptions } from './cursor/groups.ts';
export type { Health } from './cursor/operation.ts';
export type { PendingFilter, PendingMessage } from './cursor/pending.ts';
export type { BrowseOptions, ReadOptions } from './cursor/read.ts';
export type { ScheduleOptions, ScheduleSummary } from './cursor/schedules.ts';
export type { PurgeOptions } from './cursor/streams.ts';
export type { Backoff, BackoffOptions } from './follower/backoff.ts';
export { Follower, type GetMessagesOptions } from './follower/follower.ts';
export type { FollowerOptions } from './follower/follower-options.ts';
export type { Message, NackOptions } from './follower/message.ts';
export type { MessageHandler, RunOptions } from './follower/run-options.ts';
export type { DeadLetterMessage, FailedAttempt } from './message/dead-letter-message.ts';
export type { Priority } from './message/priority.ts';
export type { ReadMessage } from './message/read-message.ts';
export { Publisher } from './publisher/publisher.ts';
export type { PublisherOptions } from './publisher/publisher-options.ts';
export type { Receipt, StreamReceipt } from './publisher/receipt.ts';
export type { SendOptions } from './publisher/send-options.ts';
export { RequestFailed } from './request/request-failed.ts';
export { Requester, type RequesterOptions, type RequestOptions } from './request/requester.ts';
export { type Responder, type RespondOptions, respond } from './request/respond.ts';
export type {
  SchemaIssue,
  SchemaResult,
  StandardSchema,
  StandardSchemaProps,
} from './schema/standard-schema.ts';
export {
  defineStream,
  type StreamDefinition,
  type StreamDefinitionOptions,
} from './schema/stream-definition.ts';
export type { From, Place } from './start-from.ts';
export type {
  PublishTarget,
  Transaction,
  TransactionReceipt,
  TransactionSendOptions,
} from './transaction/transaction.ts';
