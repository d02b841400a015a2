import { Command, type CommanderError } from 'commander';
import { CommandError } from './command-error.ts';
import { backupCommand } from './commands/backup.ts';
import { checkCommand } from './commands/check.ts';
import { createCommand } from './commands/create.ts';
import { deadCommand } from './commands/dead/dead.ts';
import { delayedCommand } from './commands/delayed/delayed.ts';
import { deleteCommand } from './commands/delete.ts';
import { followCommand } from './commands/follow.ts';
import { groupsCommand } from './commands/groups/groups.ts';
import { healthCommand } from './commands/health.ts';
import { infoCommand } from './commands/info.ts';
import { pendingCommand } from './commands/pending.ts';
import { publishCommand } from './commands/publish.ts';
import { purgeCommand } from './commands/purge.ts';
import { readCommand } from './commands/read.ts';
import { redriveCommand } from './commands/redrive.ts';
import { reloadCommand } from './commands/reload.ts';
import { restoreCommand } from './commands/restore.ts';
import { scheduleCommand } from './commands/schedule/schedule.ts';
import { serveCommand } from './commands/serve.ts';
import { settingsCommand } from './commands/settings.ts';
import { streamsCommand } from './commands/streams.ts';
import { updateCommand } from './commands/update.ts';
import { userCommand } from './commands/user/user.ts';
import { examples } from './examples.ts';
import { bold } from './terminal/style.ts';
import { ownVersion } from './version.ts';

/** The whole command line. It throws CommandError where an argument is wrong, and never ends the process. */
export function createProgram(): Command {
  const program = new Command('simplemq')
    .description('SimpleMQ: a durable message broker, and what you need to look after it.')
    .version(ownVersion(), '-v, --version', 'print the version')
    .usage('<command> [options]')
    .addHelpText(
      'after',
      examples(
        'simplemq serve',
        'simplemq create orders',
        'simplemq publish orders < orders.txt',
        'simplemq follow orders',
      ),
    );
  for (const [heading, commands] of COMMANDS) {
    for (const command of commands()) program.addCommand(command.helpGroup(heading));
  }
  for (const command of withSubcommands(program)) {
    command
      .helpOption('-h, --help', 'show this help')
      .configureOutput({ outputError: () => undefined })
      .configureHelp({ styleTitle: bold, subcommandTerm: nameAndArguments })
      .exitOverride((error) => rethrow(error, command));
    if (command !== program) command.helpCommand(false);
  }
  const help = new Command('help').argument('[command]').description('show the help of a command');
  return program.addHelpCommand(help.helpGroup('Help:'));
}

/** All commands as the help lists them. */
const COMMANDS: readonly (readonly [heading: string, commands: () => readonly Command[]])[] = [
  [
    'The broker:',
    () => [
      serveCommand(),
      settingsCommand(),
      checkCommand(),
      userCommand(),
      healthCommand(),
      reloadCommand(),
      backupCommand(),
      restoreCommand(),
    ],
  ],
  [
    'Streams:',
    () => [
      streamsCommand(),
      infoCommand(),
      createCommand(),
      updateCommand(),
      purgeCommand(),
      deleteCommand(),
    ],
  ],
  [
    'Messages:',
    () => [publishCommand(), followCommand(), readCommand(), delayedCommand(), scheduleCommand()],
  ],
  ['Groups:', () => [groupsCommand(), pendingCommand(), deadCommand(), redriveCommand()]],
];

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** As in 'publish [stream]': that a command has options goes without saying. */
function nameAndArguments(command: Command): string {
  if (command.commands.length > 0) return `${command.name()} ${command.usage().replace(' [options]', '')}`;
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(' ');
}

/** One line of ours for what commander says in one or two. */
function rethrow(error: CommanderError, command: Command): never {
  if (error.exitCode === 0) throw error;
  const [what = '', hint] = error.message.replace(/^error: /, '').split('\n');
  const meant = hint === undefined ? '' : `; ${hint.replace(/^\((.*)\)$/, '$1').replace(/^D/, 'd')}`;
  throw new CommandError(`${what}${meant} (see '${pathOf(command)} --help')`, { cause: error });
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
