import { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { withCursor } from '../connection/open-connection.ts';
import { examples } from '../examples.ts';
import { print, printJson } from '../terminal/print.ts';
import { instant } from '../terminal/times.ts';

export function healthCommand(): Command {
  return takesBroker(
    new Command('health')
      .summary('tell whether a broker is ready')
      .description(
        'Tell whether a broker is ready: exit code 0 when it is, 1 with the reason when it is not.',
      )
      .option('--json', 'print JSON')
      .addHelpText('after', examples('simplemq health', 'simplemq health --json'))
      .action(health),
  );
}

async function health(flags: ClientFlags): Promise<void> {
  const { server, upSince, ready, state, reason } = await withCursor(flags, (cursor) => cursor.health());
  if (flags.json) await printJson({ ready, state, reason: reason ?? null, server, upSince });
  if (!ready)
    throw new CommandError(`not ready: ${reason ?? state} (${server}, up since ${instant(upSince)})`);
  if (!flags.json) await print(`ready: ${server}, up since ${instant(upSince)}\n`);
}
