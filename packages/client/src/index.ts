export {
  ConnectionLost,
  type ErrorCode,
  FollowerNotFound,
  Forbidden,
  GroupNotFound,
  type GroupSummary,
  InvalidName,
  InvalidOption,
  InvalidPattern,
  MessageTooLarge,
  NoMatchingStream,
  ProtocolViolation,
  RequestTimeout,
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
  TooManyStreams,
  Unauthenticated,
  Unsupported,
  type WelcomeLimits,
} from '@simplemq/protocol';
export { Bind, BindType } from './bind.ts';
export { type Codec, json, raw } from './codec/codec.ts';
export { msgpack } from './codec/msgpack.ts';
export { Connection } from './connection/connection.ts';
export type { ConnectionEvents, StaleAcks } from './connection/events.ts';
export type { ConnectionOptions, ReconnectOptions } from './connection/options.ts';
export { Cursor, type PendingFilter, type PendingMessage, type SessionInfo } from './cursor.ts';
export { Follower, type FollowerOptions, type GetMessagesOptions } from './follower/follower.ts';
export type { Message, NackOptions, Priority } from './follower/message.ts';
export type { MessageHandler, RunOptions } from './follower/worker.ts';
export { Publisher, type PublisherOptions } from './publisher/publisher.ts';
export type { Receipt } from './publisher/receipt.ts';
export type { SendOptions } from './publisher/send-options.ts';
