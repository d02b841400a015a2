import { InvalidArgumentError } from 'commander';

/** How the broker is told that there is no such limit. */
const NO_LIMIT = 0;

/** What reads an option as `read` does, and 'none' as no limit. */
export function orNone(read: (text: string) => number): (text: string) => number {
  return (text) => {
    if (text === 'none') return NO_LIMIT;
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new InvalidArgumentError(`${error.message.replace(/\.$/, '')}, or none.`);
    }
  };
}
