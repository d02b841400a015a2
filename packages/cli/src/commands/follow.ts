import type { FollowerOptions, From } from '@simplemq/client';
import { Command } from 'commander';
import { bindOf } from '../arguments/bind-arguments.ts';
import { wholeNumber } from '../arguments/whole-number.ts';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { tellOfConnection } from '../connection/notices.ts';
import { openLastingConnection } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { followBind } from '../follow/follow-bind.ts';
import {
  exclusiveOption,
  type GroupFlags,
  orderingOption,
  sharedGroupOptionsOf,
  startFromOption,
} from '../groups/group-flags.ts';
import { messageLine } from '../messages/message-line.ts';
import { onStopSignal } from '../terminal/stop-signals.ts';

interface FollowFlags extends ClientFlags, Pick<GroupFlags, 'ordering' | 'exclusive'> {
  readonly regex?: string;
  readonly group?: string;
  readonly startFrom?: From;
  readonly count?: number;
  /** False with --no-ack. */
  readonly ack: boolean;
}

const NEW_GROUP = 'If the group is new:';

export function followCommand(): Command {
  return takesBroker(
    new Command('follow')
      .argument('[stream]')
      .summary('write messages, one a line, and ack them')
      .description(
        'Write the messages of a stream to standard output, one a line, and ack those that are written. Until Ctrl-C.',
      )
      .option('--regex <pattern>', 'follow every stream whose name matches (RE2 syntax), later ones too')
      .option('--count <n>', 'stop after so many messages', wholeNumber(1))
      .option('--no-ack', 'ack nothing: all is delivered again when this ends')
      .option('--group <name>', 'share the messages with the followers of this group (default: workers)')
      .addOption(startFromOption(' (default: first)').helpGroup(NEW_GROUP))
      .addOption(orderingOption().helpGroup(NEW_GROUP))
      .addOption(exclusiveOption().helpGroup(NEW_GROUP))
      .option('--json', 'write all of a message, as one JSON object a line')
      .addHelpText(
        'after',
        examples(
          'simplemq follow orders >> orders.txt',
          'simplemq follow orders --count 1 --no-ack',
          'simplemq follow events --group audit --start-from new',
          "simplemq follow --regex '^logs\\.' --json | jq .body",
        ),
      )
      .action(follow),
  );
}

async function follow(stream: string | undefined, flags: FollowFlags): Promise<void> {
  const bind = bindOf(stream, flags.regex);
  await using connection = await openLastingConnection(flags);
  tellOfConnection(connection, (line) => process.stderr.write(`${line}\n`));
  const stop = new AbortController();
  using _ = onStopSignal(() => stop.abort());
  await followBind(connection, bind, {
    line: messageLine(flags.json),
    acks: flags.ack,
    count: flags.count ?? Number.POSITIVE_INFINITY,
    stop: stop.signal,
    follower: followerOptionsOf(flags),
  });
}

function followerOptionsOf(flags: FollowFlags): FollowerOptions {
  const { group, startFrom } = flags;
  return {
    ...(group !== undefined && { group }),
    ...(startFrom !== undefined && { startFrom }),
    ...sharedGroupOptionsOf(flags),
  };
}
