import type { PendingMessage } from '@simplemq/client';
import { Command } from 'commander';
import { wholeNumber } from '../arguments/whole-number.ts';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { count, duration } from '../terminal/amounts.ts';
import { moreThan } from '../terminal/more-than.ts';
import { print, printJson } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';
import { visible } from '../terminal/visible.ts';

interface PendingFlags extends ClientFlags {
  readonly group?: string;
  readonly follower?: number;
  readonly idleMs?: number;
  readonly limit: number;
}

const COLUMNS = [
  { head: 'SEQUENCE', align: 'right' },
  { head: 'ATTEMPT', align: 'right' },
  { head: 'DELIVERED', align: 'right' },
  { head: 'FOLLOWER', align: 'right' },
  { head: 'CLIENT' },
] as const;
const LIMIT = 100;

export function pendingCommand(): Command {
  return takesBroker(
    new Command('pending')
      .argument('<stream>')
      .summary('list what was delivered and is not acked')
      .description('List the messages that were delivered and are not acked.')
      .option('--group <name>', 'of this group (default: workers)')
      .option('--follower <id>', 'only what this follower holds', wholeNumber(0))
      .option('--idle-ms <ms>', 'only what was delivered at least so long ago', wholeNumber(0))
      .option('--limit <n>', 'at most so many', wholeNumber(1), LIMIT)
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        examples('simplemq pending orders', 'simplemq pending orders --group billing --idle-ms 60000'),
      )
      .action(pending),
  );
}

async function pending(stream: string, flags: PendingFlags): Promise<void> {
  const { group, follower, idleMs, limit } = flags;
  const filter = {
    // One more than is shown tells whether there are more.
    limit: limit + 1,
    ...(group !== undefined && { group }),
    ...(follower !== undefined && { follower }),
    ...(idleMs !== undefined && { idleMs }),
  };
  const found = await withCursor(flags, (cursor) => cursor.pending(stream, filter));
  const shown = found.slice(0, limit);
  if (flags.json) await printJson(shown);
  else if (shown.length === 0) await print(`nothing is pending in ${stream}\n`);
  else await print(`${table(COLUMNS, shown.map(row))}${moreThan(found.length, limit)}`);
}

function row({ sequence, attempt, idleMs, follower, client }: PendingMessage): string[] {
  return [
    count(sequence),
    count(attempt),
    `${duration(idleMs)} ago`,
    follower === undefined ? '-' : String(follower),
    visible(client ?? 'waits for its redelivery'),
  ];
}
