import { existsSync } from 'node:fs';
import { Argument, type Command } from 'commander';
import { CommandError } from './command-error.ts';

/** Read when it is in the working folder and none is named. */
const DEFAULT_FILE = 'settings.yaml';

export interface SettingsFileFlags {
  readonly settings?: string;
}

/** The settings file may be named as an argument or by an option. */
export function takesSettingsFile(command: Command): Command {
  return command
    .addArgument(new Argument('[settings.yaml]', 'settings file (default: ./settings.yaml, if there is one)'))
    .option('--settings <file>', 'the same, as an option');
}

/** @returns undefined when there is none to read */
export function settingsFileOf(argument: string | undefined, flags: SettingsFileFlags): string | undefined {
  if (argument !== undefined && flags.settings !== undefined) {
    throw new CommandError(`two settings files are named, ${argument} and ${flags.settings}; name one`);
  }
  return argument ?? flags.settings ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
}
