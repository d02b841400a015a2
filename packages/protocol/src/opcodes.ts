/**
 * One byte names each frame. An answer has its request's opcode with the top bit set; ERROR answers any request.
 * Frames without an answer: HEARTBEAT, CLOSING, CREDIT, DELIVER, FOLLOWER_ENDED.
 */
export const Opcode = {
  Hello: 0x01,
  Heartbeat: 0x02,
  Closing: 0x03,
  CreateStream: 0x10,
  DeleteStream: 0x11,
  PurgeStream: 0x12,
  ListStreams: 0x13,
  StreamInfo: 0x14,
  Pending: 0x18,
  Publish: 0x20,
  Follow: 0x30,
  Unfollow: 0x31,
  Credit: 0x32,
  Deliver: 0x33,
  Ack: 0x34,
  Nack: 0x35,
  Extend: 0x36,
  Release: 0x37,
  FollowerEnded: 0x38,
  Welcome: 0x81,
  StreamCreated: 0x90,
  StreamDeleted: 0x91,
  StreamPurged: 0x92,
  StreamsListed: 0x93,
  StreamInfoReply: 0x94,
  PendingReply: 0x98,
  Confirm: 0xa0,
  Following: 0xb0,
  Unfollowed: 0xb1,
  Acked: 0xb4,
  Nacked: 0xb5,
  Extended: 0xb6,
  Released: 0xb7,
  Error: 0xff,
} as const;

export type Opcode = (typeof Opcode)[keyof typeof Opcode];

const NAMES = new Map<number, string>(
  Object.entries(Opcode).map(([name, opcode]) => [opcode, name.replace(/(?<!^)[A-Z]/g, '_$&').toUpperCase()]),
);

/** The frame's name as docs/PROTOCOL.md writes it, or undefined for an opcode that there is not. */
export function opcodeName(opcode: number): string | undefined {
  return NAMES.get(opcode);
}
