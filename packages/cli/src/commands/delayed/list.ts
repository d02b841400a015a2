import type { DelayedMessages } from '@simplemq/client';
import { Command } from 'commander';
import { wholeNumber } from '../../arguments/whole-number.ts';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import { count, size } from '../../terminal/amounts.ts';
import { moreThan } from '../../terminal/more-than.ts';
import { print, printJson } from '../../terminal/print.ts';
import { table } from '../../terminal/table.ts';
import { relative } from '../../terminal/times.ts';

interface ListDelayedFlags extends ClientFlags {
  readonly limit: number;
}

const COLUMNS = [
  { head: 'IDS', align: 'right' },
  { head: 'MESSAGES', align: 'right' },
  { head: 'SIZE', align: 'right' },
  { head: 'DUE', align: 'right' },
  { head: 'AT' },
] as const;
const LIMIT = 100;

export function listDelayedCommand(): Command {
  return takesBroker(
    new Command('list')
      .argument('<stream>')
      .summary('list the messages that enter a stream later')
      .description('List the messages that were taken in and enter the stream later, by their ids.')
      .option('--limit <n>', 'at most so many lines', wholeNumber(1), LIMIT)
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq delayed orders', 'simplemq delayed list orders --json'))
      .action(listDelayed),
  );
}

async function listDelayed(stream: string, flags: ListDelayedFlags): Promise<void> {
  const { limit } = flags;
  // One more than is shown tells whether there are more.
  const found = await withCursor(flags, (cursor) => cursor.delayed(stream, { limit: limit + 1 }));
  const shown = found.slice(0, limit);
  if (flags.json) await printJson(shown);
  else if (shown.length === 0) await print(`nothing is delayed in ${stream}\n`);
  else await print(`${table(COLUMNS, shown.map(row))}${moreThan(found.length, limit)}`);
}

function row({ id, messages, bytes, deliverAt }: DelayedMessages): string[] {
  // As `delayed cancel` reads them.
  const ids = messages === 1 ? String(id) : `${id}-${id + messages - 1}`;
  return [ids, count(messages), size(bytes), relative(deliverAt), deliverAt.toISOString()];
}
