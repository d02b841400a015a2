import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Styled where standard output shows styles, and plain where it does not or NO_COLOR is set. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** 1234567.8 as 1,234,568 */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** '1 line', '2 lines' */
export function counted(count: number, thing: string): string {
  return `${grouped(count)} ${thing}${count === 1 ? '' : 's'}`;
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
