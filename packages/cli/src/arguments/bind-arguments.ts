import { Bind, BindType } from '@simplemq/client';
import { CommandError } from '../command-error.ts';

/** The bind of a command that takes `<stream>` or `--regex <pattern>`. */
export function bindOf(stream: string | undefined, pattern: string | undefined): Bind {
  if (stream !== undefined && pattern !== undefined) {
    throw new CommandError('name a stream or give --regex, not both');
  }
  if (pattern !== undefined) return new Bind(pattern, BindType.Regex);
  if (stream !== undefined) return new Bind(stream);
  throw new CommandError('name a stream, or give --regex <pattern>');
}
