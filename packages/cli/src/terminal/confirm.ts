import { CommandError } from '../command-error.ts';
import { ask } from './ask.ts';

/** What a command has that asks before it removes something. */
export interface ConfirmFlags {
  readonly yes?: boolean;
}

/** Whether there is a person who can be asked. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/**
 * Asks whether to go on; not with --yes, nor where nobody can be asked.
 *
 * @throws CommandError unless the answer is yes
 */
export async function confirm(
  { yes }: ConfirmFlags,
  question: () => string | Promise<string>,
): Promise<void> {
  if (yes || !canAsk()) return;
  const answer = await ask(`${await question()} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError('nothing was done');
}
