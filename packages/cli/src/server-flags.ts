import { existsSync } from 'node:fs';
import type { SettingsInput, SettingsSources } from '@simplemq/server';
import { Argument, type Command } from 'commander';
import { wholeNumber } from './arguments/whole-number.ts';
import { CommandError } from './command-error.ts';

/** Read when it is in the working folder and none is named. */
const DEFAULT_FILE = 'settings.yaml';

/** What says how a broker is to run. */
export interface ServerFlags {
  readonly settings?: string;
  readonly host?: string;
  readonly port?: number;
  readonly data?: string;
}

/** Adds the settings file, as an argument or an option, and the flags that override it. */
export function takesSettings(command: Command): Command {
  return command
    .addArgument(new Argument('[settings.yaml]', 'settings file (default: ./settings.yaml, if there is one)'))
    .option('--settings <file>', 'the same, as an option')
    .option('--host <host>', 'name or address to listen on')
    .option('--port <port>', 'port to listen on; 0 takes a free one', wholeNumber(0, 65_535))
    .option('--data <folder>', "where to keep the data; ':memory:' keeps it in memory only");
}

/** Where a broker takes its settings from, by these arguments. */
export function settingsSources(
  argument: string | undefined,
  flags: ServerFlags,
): SettingsSources & { readonly options: SettingsInput } {
  return {
    settingsFile: settingsFileOf(argument, flags),
    options: { host: flags.host, port: flags.port, storage: { path: flags.data } },
  };
}

function settingsFileOf(argument: string | undefined, flags: ServerFlags): string | undefined {
  if (argument !== undefined && flags.settings !== undefined) {
    throw new CommandError(`two settings files are named, ${argument} and ${flags.settings}; name one`);
  }
  return argument ?? flags.settings ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
}
