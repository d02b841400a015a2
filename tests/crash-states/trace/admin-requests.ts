import {
  type DeadLetterPage,
  decodeBackupPiece,
  decodeCreateGroup,
  decodeCreateStream,
  decodeDeadLetters,
  decodeDeleteDeadLetters,
  decodeDeleteGroup,
  decodeDeleteSchedule,
  decodeDeleteStream,
  decodePurgeStream,
  decodeReadReply,
  decodeRedrive,
  decodeResetGroup,
  decodeSaveSchedule,
  decodeStreamCreated,
  decodeUpdateGroup,
  type Frame,
  Opcode,
} from '@simplemq/protocol';
import type { Happened } from './happened.ts';
import {
  type Existence,
  groupCreated,
  groupOf,
  type KnownStream,
  newStream,
  resetAnswered,
  resetAsked,
  type SentMessage,
} from './known-stream.ts';
import { messagesOf, recordsOf } from './records.ts';

/** A request that waits for its answer. */
export interface Asked {
  answered(reply: Frame): void;
  /** It was answered with an error of this code. */
  refused?(code: string): void;
}

/** What administration is about. */
export interface Administered {
  readonly messages: Map<string, SentMessage>;
  readonly streams: Map<string, KnownStream>;
  /** By name. */
  readonly schedules: Map<string, { state: Existence }>;
  /** Ids of the messages of schedules, which come again and again. */
  readonly scheduled: Set<string>;
  readonly happened: Happened;
}

/** What a cursor asks for, if it is that. */
export function adminRequest(known: Administered, { opcode, payload }: Frame): Asked | undefined {
  const { streams, happened } = known;
  switch (opcode) {
    case Opcode.CreateStream:
      return createStream(known, payload);
    case Opcode.DeleteStream: {
      const stream = streams.get(decodeDeleteStream(payload).stream)!;
      stream.state = 'to be deleted';
      return {
        answered: () => {
          happened.streamsDeleted++;
          stream.state = 'deleted';
        },
      };
    }
    case Opcode.PurgeStream: {
      const { stream, sequence = 0 } = decodePurgeStream(payload);
      const { purge } = streams.get(stream)!;
      purge.asked = Math.max(purge.asked, sequence);
      return {
        answered: () => {
          happened.purges++;
          purge.told = Math.max(purge.told, sequence);
        },
      };
    }
    case Opcode.CreateGroup:
    case Opcode.DeleteGroup:
    case Opcode.UpdateGroup:
    case Opcode.ResetGroup:
      return groupRequest(known, opcode, payload);
    case Opcode.DeadLetters:
      return lettersSeen(known, streams.get(decodeDeadLetters(payload).stream)!);
    case Opcode.Redrive:
      return lettersTaken(known, decodeRedrive(payload), 'redriven');
    case Opcode.DeleteDeadLetters:
      return lettersTaken(known, decodeDeleteDeadLetters(payload), 'lettersDeleted');
    case Opcode.SaveSchedule:
      return saveSchedule(known, payload);
    case Opcode.DeleteSchedule: {
      const schedule = known.schedules.get(decodeDeleteSchedule(payload).name)!;
      schedule.state = 'to be deleted';
      return {
        answered: () => {
          happened.schedulesDeleted++;
          schedule.state = 'deleted';
        },
      };
    }
    case Opcode.ReadBackup:
      return {
        answered: ({ payload: piece }) => {
          if (!decodeBackupPiece(piece).more) happened.backups++;
        },
      };
  }
  return undefined;
}

function createStream({ streams, happened }: Administered, payload: Buffer): Asked {
  const { stream: name, options } = decodeCreateStream(payload);
  const { retention, maxMessages } = options;
  const anew = (): KnownStream => {
    const stream = newStream(name, retention === 'log' ? maxMessages : undefined);
    streams.set(name, stream);
    return stream;
  };
  const before = streams.get(name);
  const stream = before === undefined || before.state === 'deleted' ? anew() : before;
  return {
    answered: ({ payload: reply }) => {
      const { created } = decodeStreamCreated(reply);
      if (created && before !== undefined) happened.streamsAgain++;
      // Whether one that was to be deleted was is told only now.
      const now = created && stream.state === 'to be deleted' ? anew() : stream;
      now.state = 'there';
    },
  };
}

function groupRequest({ streams, happened }: Administered, opcode: number, payload: Buffer): Asked {
  if (opcode === Opcode.CreateGroup) {
    const { stream: name, group: groupName, startFrom } = decodeCreateGroup(payload);
    const stream = streams.get(name)!;
    const group = groupOf(stream, groupName);
    if (typeof startFrom === 'object' && 'sequence' in startFrom) group.start = startFrom.sequence;
    return {
      answered: () => {
        happened.groupsCreated++;
        groupCreated(stream, group);
      },
    };
  }
  if (opcode === Opcode.DeleteGroup) {
    const { stream, group: name } = decodeDeleteGroup(payload);
    const group = groupOf(streams.get(stream)!, name);
    group.state = 'to be deleted';
    return {
      answered: () => {
        happened.groupsDeleted++;
        group.state = 'deleted';
      },
      refused: (code) => {
        if (code === 'GroupNotFound') group.state = 'deleted';
      },
    };
  }
  if (opcode === Opcode.UpdateGroup) {
    const { stream, group: name, options } = decodeUpdateGroup(payload);
    const { maxDeliveries } = groupOf(streams.get(stream)!, name);
    maxDeliveries.asked = options.retry?.maxDeliveries;
    return {
      answered: () => {
        happened.groupsUpdated++;
        maxDeliveries.told = options.retry?.maxDeliveries;
        maxDeliveries.asked = undefined;
      },
    };
  }
  const { stream, group: name, startFrom } = decodeResetGroup(payload);
  const group = groupOf(streams.get(stream)!, name);
  resetAsked(group, typeof startFrom === 'object' && 'sequence' in startFrom ? startFrom.sequence : 0);
  return {
    answered: () => {
      happened.groupsReset++;
      resetAnswered(group);
    },
  };
}

function lettersSeen({ happened }: Administered, stream: KnownStream): Asked {
  return {
    answered: ({ payload }) => {
      for (const { first, batch } of decodeReadReply(payload).runs) {
        let sequence = first;
        for (const { id } of messagesOf(batch, undefined)) stream.letters.places.set(sequence++, id);
        for (const { attributes } of recordsOf(batch)) {
          if (attributes.dead?.cause === 'rejected') happened.rejected++;
          if (attributes.dead?.cause === 'maxDeliveries') happened.exhausted++;
        }
      }
    },
  };
}

/** They are named by sequence numbers that were seen before. */
function lettersTaken(
  { streams, happened }: Administered,
  { stream, filter }: DeadLetterPage,
  what: 'redriven' | 'lettersDeleted',
): Asked {
  const { letters } = streams.get(stream)!;
  const sequences = filter?.sequences ?? [];
  const ids = what === 'lettersDeleted' ? sequences.flatMap((each) => letters.places.get(each) ?? []) : [];
  for (const sequence of sequences) letters.takenAsked.add(sequence);
  for (const id of ids) letters.deletedAsked.add(id);
  return {
    answered: () => {
      happened[what] += sequences.length;
      for (const sequence of sequences) letters.takenTold.add(sequence);
      for (const id of ids) letters.deletedTold.add(id);
    },
  };
}

function saveSchedule(
  { messages, streams, schedules, scheduled, happened }: Administered,
  payload: Buffer,
): Asked {
  const { name, stream, batch } = decodeSaveSchedule(payload);
  for (const message of messagesOf(batch, undefined)) {
    messages.set(message.id, message);
    scheduled.add(message.id);
    streams.get(stream)!.sent.add(message.id);
  }
  const before = schedules.get(name);
  const schedule =
    before === undefined || before.state === 'deleted' ? { state: 'asked for' as Existence } : before;
  schedules.set(name, schedule);
  return {
    answered: () => {
      happened.schedules++;
      schedule.state = 'there';
    },
  };
}
