import { Command, type CommanderError } from 'commander';
import { CommandError } from './command-error.ts';
import { createCommand } from './commands/create.ts';
import { deleteCommand } from './commands/delete.ts';
import { followCommand } from './commands/follow.ts';
import { infoCommand } from './commands/info.ts';
import { pendingCommand } from './commands/pending.ts';
import { publishCommand } from './commands/publish.ts';
import { purgeCommand } from './commands/purge.ts';
import { serveCommand } from './commands/serve.ts';
import { settingsCommand } from './commands/settings.ts';
import { streamsCommand } from './commands/streams.ts';
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
  const commands = [
    serveCommand(),
    settingsCommand(),
    streamsCommand(),
    createCommand(),
    deleteCommand(),
    purgeCommand(),
    infoCommand(),
    publishCommand(),
    followCommand(),
    pendingCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands]) {
    command
      .helpOption('-h, --help', 'show this help')
      .configureOutput({ outputError: () => undefined })
      .configureHelp({ styleTitle: bold, subcommandTerm: nameAndArguments })
      .exitOverride((error) => rethrow(error, command));
  }
  return program.helpCommand('help [command]', 'show the help of a command');
}

/** As in 'publish [stream]': that a command has options goes without saying. */
function nameAndArguments(command: Command): string {
  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  return [command.name(), ...args].join(' ');
}

/** One line of ours for what commander says in one or two. */
function rethrow(error: CommanderError, command: Command): never {
  if (error.exitCode === 0) throw error;
  const [what = '', hint] = error.message.replace(/^error: /, '').split('\n');
  const meant = hint === undefined ? '' : `; ${hint.replace(/^\((.*)\)$/, '$1').replace(/^D/, 'd')}`;
  const path = command.parent === null ? 'simplemq' : `simplemq ${command.name()}`;
  throw new CommandError(`${what}${meant} (see '${path} --help')`, { cause: error });
}
