import type { DescribedSetting, SettingKey } from '@simplemq/server';
import { Command, Help } from 'commander';
import { examples } from '../examples.ts';
import { type ServerFlags, settingsSources, takesSettings } from '../server-flags.ts';
import { exactSize } from '../terminal/amounts.ts';
import { print, printJson } from '../terminal/print.ts';
import { dim } from '../terminal/style.ts';
import { table } from '../terminal/table.ts';
import { visible } from '../terminal/visible.ts';

interface SettingsFlags extends ServerFlags {
  readonly json?: boolean;
}

const COLUMNS = [{ head: 'SETTING' }, { head: 'VALUE' }, { head: 'DEFAULT' }, { head: 'FROM' }];
const INDENT = '  ';

export function settingsCommand(): Command {
  return takesSettings(new Command('settings'))
    .summary('show all settings of a broker')
    .description('Show all settings of a broker: value, default, where it came from, and what it means.')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('simplemq settings', 'SIMPLEMQ_PORT=9191 simplemq settings --json'))
    .action(settings);
}

async function settings(file: string | undefined, flags: SettingsFlags): Promise<void> {
  // Loaded here, because no other command needs a server.
  const { describeSettings } = await import('@simplemq/server');
  const described = describeSettings(settingsSources(file, flags)).map(withFlag);
  if (flags.json) await printJson(described.map(asJson));
  else await print(text(described));
}

/** What the server calls code was a flag here. */
function withFlag(setting: DescribedSetting): DescribedSetting {
  return setting.source === 'code' ? { ...setting, place: FLAGS[setting.key] } : setting;
}

const FLAGS: { readonly [K in SettingKey]?: string } = {
  host: '--host',
  port: '--port',
  'storage.path': '--data',
};

function text(described: readonly DescribedSetting[]): string {
  const rows = described.map((setting) => [
    setting.key,
    shown(setting.key, setting.value),
    shown(setting.key, setting.default),
    setting.place ?? 'default',
  ]);
  const [head = '', ...lines] = table(COLUMNS, rows).trimEnd().split('\n');
  const explained = lines.map((line, row) => `${line}\n${indented(described[row]?.description ?? '')}`);
  const hint =
    "A setting's variable is its name in capitals: limits.maxStreams is SIMPLEMQ_LIMITS_MAX_STREAMS.";
  return `${[head, ...explained].join('\n')}\n\n${hint}\n`;
}

function indented(description: string): string {
  const width = (process.stdout.columns ?? Number.POSITIVE_INFINITY) - INDENT.length;
  return dim(new Help().boxWrap(description, width).replaceAll(/^/gm, INDENT));
}

function shown(key: string, value: DescribedSetting['value']): string {
  if (value === undefined) return '-';
  const isSize = typeof value === 'number' && /bytes/i.test(key);
  return isSize ? exactSize(value) : visible(String(value));
}

/** Each key in each row, so that programs need not ask. */
function asJson(setting: DescribedSetting): object {
  const { key, value, default: fallback, source, place, variable, description, changes } = setting;
  return {
    key,
    value: value ?? null,
    default: fallback ?? null,
    source,
    place: place ?? null,
    variable,
    description,
    changes,
  };
}
