import { Opcode } from '@simplemq/protocol';
import { ack, credit, extend, follow, nack, release, unfollow } from './followers.ts';
import { publish } from './publish.ts';
import type { RequestHandler } from './request.ts';
import { createStream, deleteStream, listStreams, pending, purgeStream, streamInfo } from './streams.ts';

/** What a client may ask once it is welcome. */
export const HANDLERS: ReadonlyMap<number, RequestHandler> = new Map<number, RequestHandler>([
  [Opcode.CreateStream, createStream],
  [Opcode.DeleteStream, deleteStream],
  [Opcode.PurgeStream, purgeStream],
  [Opcode.ListStreams, listStreams],
  [Opcode.StreamInfo, streamInfo],
  [Opcode.Pending, pending],
  [Opcode.Publish, publish],
  [Opcode.Follow, follow],
  [Opcode.Unfollow, unfollow],
  [Opcode.Credit, credit],
  [Opcode.Ack, ack],
  [Opcode.Nack, nack],
  [Opcode.Extend, extend],
  [Opcode.Release, release],
]);

/**
 * What a server that is shutting down still takes: whatever settles messages that were delivered, so that as few as can
 * be are delivered again after it.
 */
export const WHILE_CLOSING: ReadonlySet<number> = new Set([
  Opcode.Ack,
  Opcode.Nack,
  Opcode.Extend,
  Opcode.Release,
]);
