import {
  decodeGroupCreated,
  decodeGroupInfoReply,
  decodeGroupsListed,
  encodeCreateGroup,
  encodeDeleteGroup,
  encodeGroupInfo,
  encodeListGroups,
  encodeResetGroup,
  encodeUpdateGroup,
  type GroupInfo,
  type GroupOptions,
  Opcode,
} from '@simplemq/protocol';
import { wireGroup } from '../follower/follower-options.ts';
import { type From, wireStartFrom } from '../start-from.ts';
import { checkGroupOptions } from '../wire-options.ts';
import { type Ask, nothing } from './ask.ts';

export interface CreateGroupOptions extends GroupOptions {
  /** Where the group begins. Default 'first'. */
  startFrom?: From;
}

export async function createGroup(
  ask: Ask,
  stream: string,
  group: string,
  options: CreateGroupOptions,
): Promise<boolean> {
  checkGroupOptions(options);
  const request = { stream, group, ...wireGroup(options) };
  const reply = await ask({
    opcode: Opcode.CreateGroup,
    what: `to create the group '${group}' of '${stream}'`,
    encode: (id) => encodeCreateGroup(id, request),
    decode: decodeGroupCreated,
    repeatable: true,
  });
  return reply.created;
}

export async function updateGroup(
  ask: Ask,
  stream: string,
  group: string,
  options: GroupOptions,
): Promise<void> {
  checkGroupOptions(options);
  await ask({
    opcode: Opcode.UpdateGroup,
    what: `to update the group '${group}' of '${stream}'`,
    encode: (id) => encodeUpdateGroup(id, { stream, group, options }),
    decode: nothing,
    repeatable: true,
  });
}

export function deleteGroup(ask: Ask, stream: string, group: string): Promise<void> {
  return ask({
    opcode: Opcode.DeleteGroup,
    what: `to delete the group '${group}' of '${stream}'`,
    encode: (id) => encodeDeleteGroup(id, { stream, group }),
    decode: nothing,
    repeatable: false,
  });
}

export async function listGroups(ask: Ask, stream: string): Promise<GroupInfo[]> {
  const reply = await ask({
    opcode: Opcode.ListGroups,
    what: `for the groups of '${stream}'`,
    encode: (id) => encodeListGroups(id, { stream }),
    decode: decodeGroupsListed,
    repeatable: true,
  });
  return reply.groups.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export function groupInfo(ask: Ask, stream: string, group: string): Promise<GroupInfo> {
  return ask({
    opcode: Opcode.GroupInfo,
    what: `for the group '${group}' of '${stream}'`,
    encode: (id) => encodeGroupInfo(id, { stream, group }),
    decode: decodeGroupInfoReply,
    repeatable: true,
  });
}

/** Not repeatable: what was handled after a first reset would be delivered again by a second. */
export async function resetGroup(ask: Ask, stream: string, group: string, startFrom: From): Promise<void> {
  const request = { stream, group, startFrom: wireStartFrom(startFrom) };
  await ask({
    opcode: Opcode.ResetGroup,
    what: `to reset the group '${group}' of '${stream}'`,
    encode: (id) => encodeResetGroup(id, request),
    decode: nothing,
    repeatable: false,
  });
}
