import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import { print, printJson } from '../../terminal/print.ts';
import { instant } from '../../terminal/times.ts';
import { nextText } from './next-text.ts';

export function pauseScheduleCommand(): Command {
  return takesBroker(
    new Command('pause')
      .argument('<name>')
      .summary('publish nothing until it is resumed')
      .description('Pause a schedule: it publishes nothing until it is resumed.')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq schedule pause nightly'))
      .action(pauseSchedule),
  );
}

export function resumeScheduleCommand(): Command {
  return takesBroker(
    new Command('resume')
      .argument('<name>')
      .summary('go on with the next time from now')
      .description('Resume a schedule: it goes on with its next time from now.')
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq schedule resume nightly'))
      .action(resumeSchedule),
  );
}

async function pauseSchedule(name: string, flags: ClientFlags): Promise<void> {
  const paused = await withCursor(flags, (cursor) => cursor.pauseSchedule(name));
  if (flags.json) await printJson(paused);
  else await print(`paused ${name}\n`);
}

async function resumeSchedule(name: string, flags: ClientFlags): Promise<void> {
  const resumed = await withCursor(flags, (cursor) => cursor.resumeSchedule(name));
  if (flags.json) await printJson(resumed);
  else await print(`resumed ${name}; next ${nextText(resumed, instant)}\n`);
}
