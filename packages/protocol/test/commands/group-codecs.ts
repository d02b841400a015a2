import * as protocol from '@simplemq/protocol';
import { Opcode } from '@simplemq/protocol';
import fc from 'fast-check';
import { type CommandCodec, client, empty, server } from './command-codec.ts';
import * as v from './values.ts';

const group = v.fields({ stream: v.text, group: v.text });

export const GROUPS: readonly CommandCodec[] = [
  client<protocol.Pending>(Opcode.Pending, {
    encode: protocol.encodePending,
    decode: protocol.decodePending,
    messages: v.fields(
      { stream: v.text },
      { group: v.text, follower: v.whole, idleMs: v.whole, after: v.whole, limit: v.whole },
    ),
  }),
  server<protocol.PendingReply>(Opcode.PendingReply, {
    encode: protocol.encodePendingReply,
    decode: protocol.decodePendingReply,
    messages: v.fields<protocol.PendingReply>({
      entries: fc.array(
        v.fields(
          { first: v.whole, last: v.whole, attempt: v.whole, idleMs: v.whole },
          { follower: v.whole, client: v.text },
        ),
        { maxLength: 4 },
      ),
      more: v.flag,
    }),
  }),
  client<protocol.CreateGroup>(Opcode.CreateGroup, {
    encode: protocol.encodeCreateGroup,
    decode: protocol.decodeCreateGroup,
    messages: v.fields(
      { stream: v.text, group: v.text },
      { startFrom: v.startFrom, options: v.groupOptions },
    ),
  }),
  server<protocol.GroupCreated>(Opcode.GroupCreated, {
    encode: protocol.encodeGroupCreated,
    decode: protocol.decodeGroupCreated,
    messages: v.fields({ created: v.flag }),
  }),
  client<protocol.UpdateGroup>(Opcode.UpdateGroup, {
    encode: protocol.encodeUpdateGroup,
    decode: protocol.decodeUpdateGroup,
    messages: v.fields({ stream: v.text, group: v.text, options: v.groupOptions }),
  }),
  server(Opcode.GroupUpdated, empty(protocol.encodeGroupUpdated)),
  client<protocol.DeleteGroup>(Opcode.DeleteGroup, {
    encode: protocol.encodeDeleteGroup,
    decode: protocol.decodeDeleteGroup,
    messages: group,
  }),
  server(Opcode.GroupDeleted, empty(protocol.encodeGroupDeleted)),
  client<protocol.ListGroups>(Opcode.ListGroups, {
    encode: protocol.encodeListGroups,
    decode: protocol.decodeListGroups,
    messages: v.fields({ stream: v.text }),
  }),
  server<protocol.GroupsListed>(Opcode.GroupsListed, {
    encode: protocol.encodeGroupsListed,
    decode: protocol.decodeGroupsListed,
    messages: v.fields({ groups: fc.array(v.groupInfo, { maxLength: 3 }) }),
  }),
  client<protocol.GroupInfoRequest>(Opcode.GroupInfo, {
    encode: protocol.encodeGroupInfo,
    decode: protocol.decodeGroupInfo,
    messages: group,
  }),
  server<protocol.GroupInfo>(Opcode.GroupInfoReply, {
    encode: protocol.encodeGroupInfoReply,
    decode: protocol.decodeGroupInfoReply,
    messages: v.groupInfo,
  }),
  client<protocol.ResetGroup>(Opcode.ResetGroup, {
    encode: protocol.encodeResetGroup,
    decode: protocol.decodeResetGroup,
    messages: v.fields({ stream: v.text, group: v.text, startFrom: v.startFrom }),
  }),
  server(Opcode.GroupReset, empty(protocol.encodeGroupReset)),
];
