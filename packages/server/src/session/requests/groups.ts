import {
  decodeCreateGroup,
  decodeDeleteGroup,
  decodeGroupInfo,
  decodeListGroups,
  decodePending,
  decodeResetGroup,
  decodeUpdateGroup,
  encodeGroupCreated,
  encodeGroupDeleted,
  encodeGroupInfoReply,
  encodeGroupReset,
  encodeGroupsListed,
  encodeGroupUpdated,
  encodePendingReply,
} from '@simplemq/protocol';
import type { RequestHandler } from './request.ts';

export const createGroup: RequestHandler = ({ engine }, requestId, payload) =>
  engine
    .createGroup(decodeCreateGroup(payload))
    .then((created) => encodeGroupCreated(requestId, { created }));

export const updateGroup: RequestHandler = ({ engine }, requestId, payload) => {
  const { stream, group, options } = decodeUpdateGroup(payload);
  return engine.updateGroup(stream, group, options).then(() => encodeGroupUpdated(requestId));
};

export const deleteGroup: RequestHandler = ({ engine }, requestId, payload) => {
  const { stream, group } = decodeDeleteGroup(payload);
  return engine.deleteGroup(stream, group).then(() => encodeGroupDeleted(requestId));
};

export const listGroups: RequestHandler = ({ engine }, requestId, payload) => {
  const { stream } = decodeListGroups(payload);
  return engine.listGroups(stream).then((groups) => encodeGroupsListed(requestId, { groups }));
};

export const groupInfo: RequestHandler = ({ engine }, requestId, payload) => {
  const { stream, group } = decodeGroupInfo(payload);
  return engine.groupInfo(stream, group).then((info) => encodeGroupInfoReply(requestId, info));
};

export const resetGroup: RequestHandler = ({ engine }, requestId, payload) =>
  engine.resetGroup(decodeResetGroup(payload)).then(() => encodeGroupReset(requestId));

export const pending: RequestHandler = ({ engine }, requestId, payload) =>
  engine.pending(decodePending(payload)).then((reply) => encodePendingReply(requestId, reply));
