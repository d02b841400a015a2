import { text } from 'node:stream/consumers';
import { CommandError } from '../command-error.ts';
import { ask } from '../terminal/ask.ts';
import { canAsk } from '../terminal/confirm.ts';

/**
 * A password that is set: asked for twice on a terminal, without showing it, or the first line of standard input. It is
 * never an argument, which every process of the machine could read and a shell would remember.
 */
export async function newPasswordOf(user: string): Promise<string> {
  if (!canAsk()) {
    const [line = ''] = (await text(process.stdin)).split(/\r?\n/, 1);
    if (line === '') throw new CommandError('standard input is empty; a password is to be its first line');
    return line;
  }
  const password = await ask(`Password of ${user}: `, { hidden: true });
  if ((await ask('Once more: ', { hidden: true })) === password) return password;
  throw new CommandError('the two are not the same; nothing was done');
}
