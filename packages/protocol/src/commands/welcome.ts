import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * WELCOME 0x81, server to client, the answer to HELLO. Control:
 *
 *   { version, server, heartbeatMs, limits: { … }, features: [ … ] }
 */
export interface Welcome {
  readonly version: number;
  /** Name and version of the server, for people. */
  readonly server: string;
  /** Each side sends something at least this often, in ms; who is silent for three times as long is gone. */
  readonly heartbeatMs: number;
  readonly limits: WelcomeLimits;
  readonly features: readonly string[];
}

export interface WelcomeLimits {
  /** The largest `length` of a frame. */
  readonly maxFrameBytes: number;
  /** The largest body of one message. */
  readonly maxMessageBytes: number;
  /** The most records in one batch. */
  readonly maxBatchRecords: number;
  /** How many publishes may await their confirm on one connection. */
  readonly maxUnconfirmedBatches: number;
  /** A publish sent again within this time after its first is stored once, in ms. */
  readonly producerWindowMs: number;
}

export function encodeWelcome(requestId: number, welcome: Welcome): Buffer {
  return encodeFrame(Opcode.Welcome, requestId, encodeEnvelope({ ...welcome }));
}

/** Fields that this version does not know are ignored: a server may tell more than it used to. */
export function decodeWelcome(payload: Buffer): Welcome {
  const fields = decodeEnvelope('WELCOME', payload);
  const limits = fields.map('limits');
  return {
    version: fields.integer('version'),
    server: fields.string('server'),
    heartbeatMs: fields.integer('heartbeatMs'),
    limits: {
      maxFrameBytes: limits.integer('maxFrameBytes'),
      maxMessageBytes: limits.integer('maxMessageBytes'),
      maxBatchRecords: limits.integer('maxBatchRecords'),
      maxUnconfirmedBatches: limits.integer('maxUnconfirmedBatches'),
      producerWindowMs: limits.integer('producerWindowMs'),
    },
    features: fields.strings('features'),
  };
}
