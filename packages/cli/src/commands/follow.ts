import { Command } from 'commander';
import { bindOf } from '../arguments/bind-arguments.ts';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { tellOfConnection } from '../connection/notices.ts';
import { openLastingConnection } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { followBind } from '../follow/follow-bind.ts';
import { bodyLine, jsonLine, type MessageLine, shownBodyLine } from '../messages/message-line.ts';
import { onStopSignal } from '../terminal/stop-signals.ts';
import { wholeNumber } from '../arguments/whole-number.ts';

interface FollowFlags extends ClientFlags {
  readonly regex?: string;
  readonly count?: number;
  /** False with --no-ack. */
  readonly ack: boolean;
}

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
      .option('--json', 'write all of a message, as one JSON object a line')
      .addHelpText(
        'after',
        examples(
          'simplemq follow orders >> orders.txt',
          'simplemq follow orders --count 1 --no-ack',
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
    line: lineOf(flags),
    acks: flags.ack,
    count: flags.count ?? Number.POSITIVE_INFINITY,
    stop: stop.signal,
  });
}

function lineOf(flags: FollowFlags): MessageLine {
  if (flags.json) return jsonLine;
  return process.stdout.isTTY ? shownBodyLine : bodyLine;
}
