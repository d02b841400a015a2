import { Command } from 'commander';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { print, printJson } from '../terminal/print.ts';

export function reloadCommand(): Command {
  return takesBroker(
    new Command('reload')
      .summary('have a broker read its settings again')
      .description(
        'Have a broker read its settings again, from the machine that it runs on. Those that need a restart are named, ' +
          'and a settings file with a mistake changes nothing. SIGHUP does the same, where the broker has no terminal.',
      )
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq reload'))
      .action(reload),
  );
}

async function reload(flags: ClientFlags): Promise<void> {
  const { changed, needRestart } = await withCursor(flags, (cursor) => cursor.reload());
  if (flags.json) {
    await printJson({ changed, needRestart });
    return;
  }
  const lines = [changed.length === 0 ? 'nothing changed' : `changed: ${changed.join(', ')}`];
  if (needRestart.length > 0) lines.push(`needs a restart: ${needRestart.join(', ')}`);
  await print(`${lines.join('\n')}\n`);
}
