import { Command } from 'commander';
import { examples } from '../examples.ts';
import { type ServerFlags, settingsSources, takesSettings } from '../server-flags.ts';
import { onHangUp } from '../terminal/hang-up.ts';
import { print } from '../terminal/print.ts';
import { onStopSignal } from '../terminal/stop-signals.ts';
import { bold, dim, green } from '../terminal/style.ts';
import { properties } from '../terminal/table.ts';
import { ownVersion } from '../version.ts';

interface ServeFlags extends ServerFlags {
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
  return takesSettings(new Command('serve'))
    .summary('run a broker')
    .description(
      'Run a broker until Ctrl-C. Flags override SIMPLEMQ_* variables, and these the settings file. SIGHUP has it read ' +
        'settings, users and certificates again, unless it runs in a terminal.',
    )
    .option('--json', 'when it has started, print one line of JSON that tells port, data folder, pid')
    .addHelpText('after', examples('simplemq serve', 'simplemq serve --port 9191 --data /var/lib/simplemq'))
    .action(serve);
}

async function serve(file: string | undefined, flags: ServeFlags): Promise<void> {
  // Loaded here, because no other command needs a server.
  const { collectInOneGo, loadSettings, startServer } = await import('@simplemq/server');
  collectInOneGo();
  const sources = settingsSources(file, flags);
  const stopped = Promise.withResolvers<void>();
  // From before the start on, so that none is missed.
  using _ = onStopSignal((signal) => {
    tellOfStop(signal);
    stopped.resolve();
  });
  const server = await startServer({ settingsFile: sources.settingsFile, ...sources.options });
  void stopped.promise.then(() => server.close());
  using _reloading = onHangUp(() => server.reload());
  const { path } = loadSettings(sources).storage;
  await announce(flags, {
    version: ownVersion(),
    host: server.host,
    port: server.port,
    data: path,
    durability: path === ':memory:' ? 'memory' : 'fsync',
    settings: sources.settingsFile ?? null,
    pid: process.pid,
  });
  const { error } = await server.ended;
  if (error !== undefined) throw error;
}

function tellOfStop(signal: NodeJS.Signals): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\n${signal}: finishing what was taken; once more stops at once\n`);
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
