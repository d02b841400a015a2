import type { GroupSummary, StreamSummary } from '@simplemq/client';
import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { count, duration, size } from '../terminal/amounts.ts';
import { print, printJson } from '../terminal/print.ts';
import { properties, table } from '../terminal/table.ts';

const GROUP_COLUMNS = [
  { head: 'GROUP' },
  { head: 'FOLLOWERS', align: 'right' },
  { head: 'LAG', align: 'right' },
  { head: 'PENDING', align: 'right' },
  { head: 'REDELIVERED', align: 'right' },
  { head: 'ACKED UP TO', align: 'right' },
] as const;

export function infoCommand(): Command {
  return takesBroker(
    new Command('info')
      .argument('<stream>')
      .summary('show a stream and its groups')
      .description('Show one stream and its groups.')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq info orders'))
      .action(info),
  );
}

async function info(name: string, flags: ClientFlags): Promise<void> {
  const stream = await withCursor(flags, (cursor) => cursor.streamInfo(name));
  if (flags.json) await printJson(stream);
  else await print(text(stream));
}

function text(stream: StreamSummary): string {
  const created = new Date(stream.createdAt);
  const about = properties([
    ['stream', stream.name],
    ['storage', stream.storage],
    ['retention', stream.retention],
    ['created', `${created.toISOString()} (${duration(Math.max(0, Date.now() - stream.createdAt))} ago)`],
    ['messages', count(stream.messages)],
    ['size', size(stream.bytes)],
    ['next sequence', count(stream.nextSequence)],
  ]);
  const groups =
    stream.groups.length === 0
      ? 'no groups yet: the first follower makes one\n'
      : table(GROUP_COLUMNS, stream.groups.map(row));
  return `${about}\n${groups}`;
}

function row(group: GroupSummary): string[] {
  const { name, followers, lag, pending, redelivered, ackFloor } = group;
  return [name, ...[followers, lag, pending, redelivered, ackFloor].map(count)];
}
