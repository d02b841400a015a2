import { Command } from 'commander';
import { examples } from '../../examples.ts';
import { deleteScheduleCommand } from './delete.ts';
import { listSchedulesCommand } from './list.ts';
import { pauseScheduleCommand, resumeScheduleCommand } from './pause.ts';
import { saveScheduleCommand } from './save.ts';

export function scheduleCommand(): Command {
  return new Command('schedule')
    .usage('[command] [options]')
    .summary('list the schedules, or save, pause, resume or delete one')
    .description(
      'Messages that the broker publishes by itself, again and again: list them, or save, pause, resume or delete one.',
    )
    .addCommand(listSchedulesCommand(), { isDefault: true })
    .addCommand(saveScheduleCommand())
    .addCommand(pauseScheduleCommand())
    .addCommand(resumeScheduleCommand())
    .addCommand(deleteScheduleCommand())
    .addHelpText(
      'after',
      examples(
        'simplemq schedule',
        "simplemq schedule save nightly --stream jobs --cron '0 3 * * *' --timezone Europe/Berlin cleanup",
      ),
    );
}
