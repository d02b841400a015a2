import type { RunningServer, SettingsInput } from '@simplemq/server';
import { Command } from 'commander';
import { examples } from '../examples.ts';
import { type SettingsFileFlags, settingsFileOf, takesSettingsFile } from '../settings-file.ts';
import { print } from '../terminal/print.ts';
import { onStopSignal } from '../terminal/stop-signals.ts';
import { bold, dim, green } from '../terminal/style.ts';
import { properties } from '../terminal/table.ts';
import { wholeNumber } from '../terminal/whole-number.ts';
import { ownVersion } from '../version.ts';

interface ServeFlags extends SettingsFileFlags {
  readonly host?: string;
  readonly port?: number;
  readonly data?: string;
  readonly json?: boolean;
}

/** What a start tells. */
interface Started {
  readonly version: string;
  readonly host: string;
  readonly port: number;
  /** The data folder, or ':memory:'. */
  readonly data: string;
  readonly durability: 'memory' | 'fsync';
  readonly settings: string | null;
  readonly pid: number;
}

export function serveCommand(): Command {
  return takesSettingsFile(new Command('serve'))
    .summary('run a broker')
    .description(
      'Run a broker until Ctrl-C. Flags override SIMPLEMQ_* variables, and these the settings file.',
    )
    .option('--host <host>', 'name or address to listen on')
    .option('--port <port>', 'port to listen on; 0 takes a free one', wholeNumber(0, 65_535))
    .option('--data <folder>', "where to keep the data; ':memory:' keeps it in memory only")
    .option('--json', 'when it has started, print one line of JSON that tells port, data folder, pid')
    .addHelpText('after', examples('simplemq serve', 'simplemq serve --port 9191 --data /var/lib/simplemq'))
    .action(serve);
}

async function serve(file: string | undefined, flags: ServeFlags): Promise<void> {
  // Loaded here, because no other command needs a server.
  const { loadSettings, startServer } = await import('@simplemq/server');
  const settingsFile = settingsFileOf(file, flags);
  const options: SettingsInput = { host: flags.host, port: flags.port, storage: { path: flags.data } };
  const server = await startServer({ settingsFile, ...options });
  using _ = onStopSignal((signal) => stop(server, signal));
  const { path } = loadSettings({ settingsFile, options }).storage;
  await announce(flags, {
    version: ownVersion(),
    host: server.host,
    port: server.port,
    data: path,
    durability: path === ':memory:' ? 'memory' : 'fsync',
    settings: settingsFile ?? null,
    pid: process.pid,
  });
  const { error } = await server.ended;
  if (error !== undefined) throw error;
}

function stop(server: RunningServer, signal: NodeJS.Signals): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\n${signal}: finishing what was taken; once more stops at once\n`);
  }
  void server.close();
}

async function announce(flags: ServeFlags, started: Started): Promise<void> {
  if (flags.json) await print(`${JSON.stringify(started)}\n`);
  else if (process.stdout.isTTY) await print(banner(started));
}

function banner({ version, host, port, data, durability, settings, pid }: Started): string {
  const isMemory = durability === 'memory';
  const rows: [string, string][] = [
    ['address', bold(`${host}:${port}`)],
    ['data', isMemory ? 'in memory only' : data],
    ['durability', isMemory ? 'memory: gone when it stops' : 'fsync: what is confirmed is on disk'],
    ['settings', settings ?? 'defaults'],
    ['pid', String(pid)],
  ];
  const indented = properties(rows).replaceAll(/^(?=.)/gm, '  ');
  return `\n${green('●')} ${bold(`SimpleMQ ${version}`)} is running\n\n${indented}\n${dim('  Ctrl-C stops it.')}\n\n`;
}
