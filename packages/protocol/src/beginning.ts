const SHOWN_MAX = 60;

/**
 * Text that came from a client, as it is shown in a message: its beginning, when it is long. That is a copy, as a part of a
 * string keeps all of it in memory.
 */
export function beginningOf(text: string, lengthMax: number = SHOWN_MAX): string {
  return text.length > lengthMax ? `${Buffer.from(text.slice(0, lengthMax)).toString()}…` : text;
}
