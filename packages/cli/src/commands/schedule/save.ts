import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../../connection/client-flags.ts';
import { withCursor } from '../../connection/open-connection.ts';
import { examples } from '../../examples.ts';
import { type MessageFlags, messageOptionsOf, takesMessageOptions } from '../../messages/message-flags.ts';
import { parseJson } from '../../publish/parse-json.ts';
import { print, printJson } from '../../terminal/print.ts';
import { instant } from '../../terminal/times.ts';
import { nextText } from './next-text.ts';

interface SaveScheduleFlags extends ClientFlags, MessageFlags {
  readonly stream: string;
  readonly cron: string;
  readonly timezone?: string;
  readonly jsonBody?: boolean;
}

export function saveScheduleCommand(): Command {
  const command = new Command('save')
    .argument('<name>', 'of the schedule')
    .argument('<body>', 'what is published each time')
    .summary('create a schedule, or change it')
    .description('Create a schedule, or put this definition in the place of the one that is there.')
    .requiredOption('--stream <name>', 'where it is published')
    .requiredOption(
      '--cron <fields>',
      'when: minute, hour, day of month, month, day of week; with six fields seconds come first',
    )
    .option('--timezone <name>', 'the time zone of these, as Europe/Berlin (default: UTC)')
    .option('--json-body', 'the body is JSON: its value is published, and not its text')
    .option('--json', 'print JSON');
  return takesBroker(takesMessageOptions(command))
    .addHelpText(
      'after',
      examples(
        "simplemq schedule save poll --stream jobs --cron '*/5 * * * *' poll",
        "simplemq schedule save nightly --stream jobs --cron '0 3 * * *' --timezone Europe/Berlin cleanup",
        `simplemq schedule save beat --stream jobs --cron '*/10 * * * * *' --json-body '{"kind":"beat"}'`,
      ),
    )
    .action(saveSchedule);
}

async function saveSchedule(name: string, text: string, flags: SaveScheduleFlags): Promise<void> {
  const { stream, cron, timezone } = flags;
  const body = flags.jsonBody ? parseJson(text, 'the body') : text;
  const options = {
    stream,
    cron,
    body,
    ...(timezone !== undefined && { timezone }),
    ...messageOptionsOf(flags),
  };
  const saved = await withCursor(flags, (cursor) => cursor.saveSchedule(name, options));
  if (flags.json) await printJson(saved);
  else await print(`saved ${name}; next ${nextText(saved, instant)}\n`);
}
