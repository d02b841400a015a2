import { Bind, BindType, type GroupSummary, type StreamSummary } from '@simplemq/client';
import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { count, size } from '../terminal/amounts.ts';
import { print, printJson } from '../terminal/print.ts';
import { table } from '../terminal/table.ts';

const COLUMNS = [
  { head: 'STREAM' },
  { head: 'MESSAGES', align: 'right' },
  { head: 'SIZE', align: 'right' },
  { head: 'PENDING', align: 'right' },
  { head: 'FOLLOWERS', align: 'right' },
  { head: 'NEXT', align: 'right' },
  { head: 'STORAGE' },
] as const;

export function streamsCommand(): Command {
  return takesBroker(
    new Command('streams')
      .argument('[pattern]')
      .summary('list the streams')
      .description('List the streams, or those whose name matches a pattern (RE2 syntax).')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq streams', "simplemq streams '^orders\\.'"))
      .action(streams),
  );
}

async function streams(pattern: string | undefined, flags: ClientFlags): Promise<void> {
  const bind = pattern === undefined ? undefined : new Bind(pattern, BindType.Regex);
  const found = await withCursor(flags, (cursor) => cursor.listStreams(bind));
  if (flags.json) await printJson(found);
  else if (found.length > 0) await print(table(COLUMNS, found.map(row)));
  else if (bind !== undefined) await print(`no stream matches ${bind}\n`);
  else await print("no streams yet; 'simplemq create <stream>' makes one\n");
}

function row(stream: StreamSummary): string[] {
  const sum = (of: keyof GroupSummary & ('pending' | 'followers')) =>
    count(stream.groups.reduce((total, group) => total + group[of], 0));
  return [
    stream.name,
    count(stream.messages),
    size(stream.bytes),
    sum('pending'),
    sum('followers'),
    count(stream.nextSequence),
    stream.storage,
  ];
}
