import { styleText } from 'node:util';

/** Styles for standard output: only where it is a terminal, and not with NO_COLOR. */
export function bold(text: string): string {
  return styleText('bold', text, { stream: process.stdout });
}

export function dim(text: string): string {
  return styleText('dim', text, { stream: process.stdout });
}

export function green(text: string): string {
  return styleText('green', text, { stream: process.stdout });
}
