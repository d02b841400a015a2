import { SimpleMQError } from '@simplemq/client';
import { visible } from './terminal/visible.ts';

/** An error in one line: with its code, where it has one that programs know. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return visible(String(error));
  return visible(error instanceof SimpleMQError ? `${error.code}: ${error.message}` : error.message);
}

/** What goes to standard error: a line, or one for each problem where settings have several. */
export function errorLines(error: unknown): string {
  const lines = errorText(error).split('\n');
  return lines.map((line) => `simplemq: ${line}\n`).join('');
}
