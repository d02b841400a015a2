/** Control characters but tab and newline, and those that turn the direction of text: a terminal would obey them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text of unknown origin as a terminal can show it: what it would obey is written as an escape. */
export function visible(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** The same in one line, as a row of a table can have it: the first line that says something, and whether more follow. */
export function oneLine(text: string): string {
  const [first = '', ...others] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return visible(first.replaceAll('\t', ' ').trim()) + (others.length > 0 ? ' …' : '');
}
