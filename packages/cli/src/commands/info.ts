import type { GroupSummary, StreamSummary } from '@simplemq/client';
import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { count, exactDuration, exactSize, size } from '../terminal/amounts.ts';
import { print, printJson } from '../terminal/print.ts';
import { properties, table } from '../terminal/table.ts';
import { instant } from '../terminal/times.ts';

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
      .summary('show a stream, its limits and its groups')
      .description('Show one stream, its limits and its groups.')
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
  const about = properties([
    ['stream', stream.name],
    ['storage', stream.storage],
    ['retention', stream.retention],
    ['created', instant(new Date(stream.createdAt))],
    ['messages', count(stream.messages)],
    ['size', size(stream.bytes)],
    ['delayed', count(stream.delayed)],
    ['first sequence', count(stream.firstSequence)],
    ['next sequence', count(stream.nextSequence)],
    ...limits(stream),
  ]);
  const groups =
    stream.groups.length === 0
      ? 'no groups yet: the first follower makes one\n'
      : table(GROUP_COLUMNS, stream.groups.map(row));
  return `${about}\n${groups}`;
}

/** By the names of their flags, so that who reads one knows how to change it. */
function limits(stream: StreamSummary): [name: string, value: string][] {
  const orNone = (value: number, shown: (value: number) => string) => (value === 0 ? 'none' : shown(value));
  return [
    ['max age', orNone(stream.maxAgeMs, exactDuration)],
    ['max bytes', orNone(stream.maxBytes, exactSize)],
    ['max messages', orNone(stream.maxMessages, count)],
    ['overflow', stream.overflow],
    ['dedup window', orNone(stream.dedupWindowMs, exactDuration)],
    ['expire after', orNone(stream.expireAfterMs, exactDuration)],
  ];
}

function row(group: GroupSummary): string[] {
  const { name, followers, lag, pending, redelivered, ackFloor } = group;
  return [name, ...[followers, lag, pending, redelivered, ackFloor].map(count)];
}
