import type { EngineFollower } from '@simplemq/broker';
import {
  decodeAck,
  decodeCredit,
  decodeExtend,
  decodeFollow,
  decodeNack,
  decodeReject,
  decodeRelease,
  decodeUnfollow,
  encodeSettled,
  encodeUnfollowed,
  Opcode,
  type StreamRanges,
} from '@simplemq/protocol';
import type { RequestHandler } from './request.ts';

export const follow: RequestHandler = ({ engine, followers, peer }, requestId, payload) => {
  const request = { ...decodeFollow(payload), client: peer.client };
  return followers.open(engine, request, requestId).then(() => undefined);
};

export const unfollow: RequestHandler = ({ followers }, requestId, payload) => {
  followers.close(decodeUnfollow(payload).follower);
  return Promise.resolve(encodeUnfollowed(requestId));
};

export const credit: RequestHandler = ({ followers }, _requestId, payload) => {
  const { follower, upTo, bytesUpTo } = decodeCredit(payload);
  // It may have crossed the follower's end, so that an unknown one is no error.
  followers.find(follower)?.credit(upTo, bytesUpTo);
  return undefined;
};

export const ack: RequestHandler = ({ followers }, requestId, payload) => {
  const { follower, entries } = decodeAck(payload);
  return settled(Opcode.Acked, requestId, followers.get(follower).ack(entries));
};

export const nack: RequestHandler = ({ followers }, requestId, payload) => {
  const { follower, entries, ...options } = decodeNack(payload);
  return settled(Opcode.Nacked, requestId, followers.get(follower).nack(entries, options));
};

export const extend: RequestHandler = ({ followers }, requestId, payload) => {
  const { follower, entries } = decodeExtend(payload);
  return settled(Opcode.Extended, requestId, followers.get(follower).extend(entries));
};

export const release: RequestHandler = ({ followers }, requestId, payload) => {
  const { follower, entries } = decodeRelease(payload);
  return settled(Opcode.Released, requestId, followers.get(follower).release(entries));
};

export const reject: RequestHandler = ({ followers }, requestId, payload) => {
  const { follower, entries, ...options } = decodeReject(payload);
  return settled(Opcode.Rejected, requestId, followers.get(follower).reject(entries, options));
};

function settled(
  opcode: Opcode,
  requestId: number,
  settling: ReturnType<EngineFollower['ack']>,
): Promise<Uint8Array> {
  return settling.then((stale: readonly StreamRanges[]) => encodeSettled(opcode, requestId, { stale }));
}
