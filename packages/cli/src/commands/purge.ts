import type { PurgeOptions } from '@simplemq/client';
import { Command, Option } from 'commander';
import { pastTime } from '../arguments/time.ts';
import { wholeNumber } from '../arguments/whole-number.ts';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { count, counted } from '../terminal/amounts.ts';
import { type ConfirmFlags, confirm } from '../terminal/confirm.ts';
import { print, printJson } from '../terminal/print.ts';

interface PurgeFlags extends ClientFlags, ConfirmFlags {
  readonly toSequence?: number;
  readonly before?: Date;
}

export function purgeCommand(): Command {
  return takesBroker(
    new Command('purge')
      .argument('<stream>')
      .summary('remove messages of a stream')
      .description(
        'Remove every message of a stream, delivered or not, or the older ones. Asks first, on a terminal.',
      )
      .option('--to-sequence <n>', 'remove those before this sequence number, which stays', wholeNumber(1))
      .addOption(
        new Option(
          '--before <time>',
          'remove those that came before then, as 2026-05-01T08:30:00Z or 7d (ago)',
        )
          .argParser(pastTime)
          .conflicts('toSequence'),
      )
      .option('-y, --yes', 'do not ask')
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        examples(
          'simplemq purge orders',
          'simplemq purge orders --to-sequence 1000 --yes',
          'simplemq purge events --before 7d',
        ),
      )
      .action(purge),
  );
}

async function purge(stream: string, flags: PurgeFlags): Promise<void> {
  const { toSequence: sequence, before: time } = flags;
  const options: PurgeOptions = {
    ...(sequence !== undefined && { sequence }),
    ...(time !== undefined && { time }),
  };
  const messages = await withCursor(flags, async (cursor) => {
    await confirm(flags, async () => {
      const held = counted((await cursor.streamInfo(stream)).messages, 'message');
      return `Remove ${which(flags, held)} from the stream ${stream}?`;
    });
    return await cursor.purgeStream(stream, options);
  });
  if (flags.json) await printJson({ stream, messages });
  else await print(`removed ${counted(messages, 'message')} from ${stream}\n`);
}

function which({ toSequence, before }: PurgeFlags, held: string): string {
  if (toSequence !== undefined) return `what is before sequence number ${count(toSequence)} (of ${held})`;
  if (before !== undefined) return `what came before ${before.toISOString()} (of ${held})`;
  return held;
}
