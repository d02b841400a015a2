import { InvalidArgumentError } from 'commander';

type Headers = Readonly<Record<string, string>>;

/** Reads one 'name=value' of an option that may be given again, and adds it to those before. */
export function header(text: string, before: Headers = {}): Headers {
  const end = text.indexOf('=');
  if (end < 1) throw new InvalidArgumentError('It must be name=value.');
  return { ...before, [text.slice(0, end)]: text.slice(end + 1) };
}
