import type { Place } from '@simplemq/client';
import { Command, Option } from 'commander';
import { place } from '../arguments/place.ts';
import { wholeNumber } from '../arguments/whole-number.ts';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { messageLine } from '../messages/message-line.ts';
import { writeAll } from '../messages/write-all.ts';

interface ReadFlags extends ClientFlags {
  readonly from?: Place;
  readonly limit?: number;
}

export function readCommand(): Command {
  return takesBroker(
    new Command('read')
      .argument('<stream>')
      .summary('write messages, one a line, and consume none')
      .description(
        'Write the messages that a stream holds to standard output, one a line. No group is touched. Ends with the last.',
      )
      .addOption(
        new Option(
          '--from <place>',
          'first, a sequence number, a time as 2026-05-01T08:30:00Z, or 2h (ago) (default: first)',
        ).argParser(place),
      )
      .option('--limit <n>', 'at most so many (default: all)', wholeNumber(1))
      .option('--json', 'write all of a message, as one JSON object a line')
      .addHelpText(
        'after',
        examples(
          'simplemq read orders --limit 10',
          'simplemq read orders --from 1200 --limit 1 --json',
          'simplemq read events --from 2h --json | jq .body',
        ),
      )
      .action(read),
  );
}

async function read(stream: string, flags: ReadFlags): Promise<void> {
  const { from, limit = Number.POSITIVE_INFINITY } = flags;
  await withCursor(flags, (cursor) => {
    const messages = cursor.browse(stream, from === undefined ? {} : { from });
    return writeAll(messages, messageLine(flags.json), limit);
  });
}
