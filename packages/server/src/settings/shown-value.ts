/** A list or a map where a setting has one value: what is in it is not kept, nor told. */
export const COMPOUND: { readonly list: Compound; readonly map: Compound } = {
  list: { compound: 'a list' },
  map: { compound: 'a map' },
};

export interface Compound {
  readonly compound: 'a list' | 'a map';
}

const SHOWN_LENGTH_MAX = 80;
const PEM = /-----\s*BEGIN/;
const CONTROL = /\p{Cc}|\p{Zl}|\p{Zp}/u;

/** A key or certificate that stands where the name of its file belongs. */
export function isPem(text: string): boolean {
  return PEM.test(text);
}

/** Whether it has line breaks, NUL and the like, which no name, address or path has. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

/**
 * A wrong value, as an error tells it: one short line, whatever it is. A mistake may have put a secret where another
 * value belongs, so that nothing is shown of what has parts or several lines.
 */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') return shownText(value);
  if (typeof value === 'object' && value !== null) {
    if (value === COMPOUND.list || value === COMPOUND.map) return (value as Compound).compound;
    return Array.isArray(value) ? 'a list' : 'an object';
  }
  return typeof value === 'function' ? 'a function' : shortened(String(value));
}

/** Without what moves a terminal's cursor, or does worse to it. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/gu, '\ufffd');
}

/** At most so much of a text that a line of it can still be read. */
export function shortened(text: string): string {
  if (isPem(text)) return 'the text of a key or certificate';
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}

function shownText(text: string): string {
  if (isPem(text)) return 'the text of a key or certificate';
  if (hasControl(text)) return 'text with line breaks or control characters';
  return shortened(oneLine(JSON.stringify(text)));
}
