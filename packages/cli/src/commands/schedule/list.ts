import type { ScheduleSummary } from '@simplemq/client';
import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import { print, printJson } from '../../terminal/print.ts';
import { table } from '../../terminal/table.ts';
import { relative } from '../../terminal/times.ts';
import { nextText } from './next-text.ts';

const COLUMNS = [
  { head: 'SCHEDULE' },
  { head: 'STREAM' },
  { head: 'CRON' },
  { head: 'TIME ZONE' },
  { head: 'LAST', align: 'right' },
  { head: 'NEXT', align: 'right' },
] as const;

export function listSchedulesCommand(): Command {
  return takesBroker(
    new Command('list')
      .summary('list the schedules')
      .description('List the schedules of the broker: when each published last, and when it does next.')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq schedule', 'simplemq schedule list --json'))
      .action(listSchedules),
  );
}

async function listSchedules(flags: ClientFlags): Promise<void> {
  const schedules = await withCursor(flags, (cursor) => cursor.listSchedules());
  if (flags.json) await printJson(schedules);
  else if (schedules.length > 0) await print(table(COLUMNS, schedules.map(row)));
  else await print("no schedules yet; 'simplemq schedule save' makes one\n");
}

function row(schedule: ScheduleSummary): string[] {
  const { name, stream, cron, timezone, lastAt } = schedule;
  return [
    name,
    stream,
    cron,
    timezone,
    lastAt === undefined ? 'never' : relative(lastAt),
    nextText(schedule, relative),
  ];
}
