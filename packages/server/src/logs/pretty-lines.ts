/** One line of text for one line of pino's JSON, for people at a terminal: time, level, message, then the fields. */
export function prettyLine(json: string, colors: boolean): string {
  const { time, level, msg, err, ...fields } = JSON.parse(json) as LogLine;
  const paint = (code: number, text: string) => (colors ? `\x1b[${code}m${text}\x1b[0m` : text);
  const [name, color] = LEVELS[level] ?? [String(level), 0];
  const shown = Object.entries(fields).map(([key, value]) => ` ${paint(2, `${key}=`)}${shownValue(value)}`);
  const cause = err?.message === undefined ? '' : ` ${paint(2, 'error=')}${shownValue(err.message)}`;
  const clock = paint(2, time.slice(11, 23));
  return `${clock} ${paint(color, name)} ${msg ?? ''}${shown.join('')}${cause}\n`;
}

interface LogLine {
  readonly time: string;
  readonly level: number;
  readonly msg?: string;
  readonly err?: { readonly message?: string };
  readonly [field: string]: unknown;
}

const LEVELS: Readonly<Record<number, readonly [name: string, color: number]>> = {
  10: ['trace', 2],
  20: ['debug', 2],
  30: ['info ', 32],
  40: ['warn ', 33],
  50: ['error', 31],
  60: ['fatal', 41],
};

/** Text from a client could carry control sequences for the terminal: whatever is not plain is shown as JSON. */
function shownValue(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@$+-]+$/.test(value)) return value;
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
