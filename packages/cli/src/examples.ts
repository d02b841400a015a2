import { bold } from './terminal/style.ts';

/** What a help ends with. */
export function examples(...lines: string[]): string {
  const title = bold(lines.length === 1 ? 'Example:' : 'Examples:');
  return `\n${title}\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
