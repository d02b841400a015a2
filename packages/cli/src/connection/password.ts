import { CommandError } from '../command-error.ts';
import { ask } from '../terminal/ask.ts';
import { canAsk } from '../terminal/confirm.ts';

/** The password of `user`. It is never an argument, which every process of the machine could read. */
export async function passwordOf(user: string): Promise<string> {
  const password = process.env.SIMPLEMQ_PASSWORD;
  if (password !== undefined) return password;
  if (!canAsk()) throw new CommandError(`the password of ${user} is missing; set SIMPLEMQ_PASSWORD`);
  return ask(`Password of ${user}: `, { hidden: true });
}
