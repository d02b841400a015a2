import { beginningOf } from './beginning.ts';
import { InvalidName } from './errors.ts';
import { NAME_LENGTH_MAX } from './limits.ts';

/** The dead letters of the stream `orders` are in the stream `$dead.orders`. */
const DEAD_LETTERS = '$dead.';

const CONTROL = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u;
const DOT_PATH = /(^|\/)\.{1,2}(\/|$)/;

/** What has a name that users choose. */
export type NamedKind = 'stream' | 'group' | 'schedule';

/**
 * What a stream, group or schedule may be called: 1 to 255 characters, no control characters, no leading or trailing white
 * space, no `.` or `..` as a segment between slashes. A leading `$` is kept for the broker's own streams; the prefix of
 * dead letters is not counted, so that every stream can have some.
 *
 * @throws InvalidName naming the rule
 */
export function checkName(kind: NamedKind, name: string): void {
  const rule = brokenRule(name);
  if (rule !== undefined) {
    throw new InvalidName(`the ${kind} name ${shown(name)} ${rule}`, {
      details: { name: name.slice(0, 300) },
    });
  }
}

/** As checkName, for names that a user may create. */
export function checkNewName(kind: NamedKind, name: string): void {
  checkName(kind, name);
  // Bytes that are no UTF-8 are read as this character: names of other bytes would be the same name.
  if (name.includes('\ufffd')) {
    throw new InvalidName(
      `the ${kind} name ${shown(name)} has U+FFFD in it, which stands for bytes that are not UTF-8`,
    );
  }
  if (name.startsWith('$')) {
    throw new InvalidName(
      `the ${kind} name ${shown(name)} begins with '$', which is kept for the broker's own`,
    );
  }
}

/** Where the dead letters of a stream are. */
export function deadLetterStream(stream: string): string {
  return DEAD_LETTERS + stream;
}

/** The stream to which a name belongs: that of the dead letters, where it is such a one's; else the name itself. */
export function streamOfName(name: string): string {
  let stream = name;
  while (stream.startsWith(DEAD_LETTERS)) stream = stream.slice(DEAD_LETTERS.length);
  return stream;
}

function brokenRule(name: string): string | undefined {
  if (name.length === 0) return 'is empty; it must have at least one character';
  const length = name.startsWith(DEAD_LETTERS) ? name.length - DEAD_LETTERS.length : name.length;
  if (length > NAME_LENGTH_MAX) return `has ${length} characters; the limit is ${NAME_LENGTH_MAX}`;
  if (!name.isWellFormed()) return 'is not well-formed Unicode';
  if (CONTROL.test(name)) return 'has control or invisible characters';
  if (name.trim() !== name) return 'begins or ends with white space';
  if (DOT_PATH.test(name)) return "has '.' or '..' as a path segment";
  return undefined;
}

function shown(name: string): string {
  return JSON.stringify(beginningOf(name));
}
