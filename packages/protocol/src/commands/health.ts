import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * HEALTH 0x58, client to server: whether the server is ready. It is answered without the storage being asked. Control:
 * an empty envelope.
 *
 * HEALTH_REPLY 0xd8, the answer:
 *
 *   { server, upSince, state, reason? }
 *
 * `state` is 'ready', or why it is not: 'draining' (it shuts down), 'storageSlow' (the storage has not answered for
 * long), 'storageFull' (publishes are refused). There may be others one day; all but 'ready' are not ready. `reason`
 * is one line for people. `upSince` is in milliseconds since 1970 UTC.
 */
export interface Health {
  readonly server: string;
  readonly upSince: number;
  readonly state: string;
  readonly reason?: string;
}

export function encodeHealth(requestId: number): Buffer {
  return encodeFrame(Opcode.Health, requestId, encodeEnvelope({}));
}

export function decodeHealth(payload: Buffer): void {
  decodeEnvelope('HEALTH', payload).end();
}

export function encodeHealthReply(requestId: number, reply: Health): Buffer {
  return encodeFrame(Opcode.HealthReply, requestId, encodeEnvelope({ ...reply }));
}

export function decodeHealthReply(payload: Buffer): Health {
  const fields = decodeEnvelope('HEALTH_REPLY', payload);
  const reason = fields.optionalString('reason');
  return {
    server: fields.string('server'),
    upSince: fields.integer('upSince'),
    state: fields.string('state'),
    ...(reason !== undefined && { reason }),
  };
}
