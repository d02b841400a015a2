import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * HEARTBEAT 0x02, both ways, request id 0, no payload, no answer. Sent when nothing else was for the `heartbeatMs`
 * that WELCOME told.
 */
export const HEARTBEAT_FRAME: Buffer = encodeFrame(Opcode.Heartbeat, 0, Buffer.alloc(0));
