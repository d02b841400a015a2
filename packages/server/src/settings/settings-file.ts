import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isAlias, isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { type GivenSetting, type GivenSettings, isGroup, isSettingKey, unknownSetting } from './given.ts';
import { SettingsError } from './settings-error.ts';
import { COMPOUND, type Compound, oneLine, shortened } from './shown-value.ts';

/** Larger than any settings that a person writes, and small enough that the worst YAML of the size is read at once. */
const FILE_BYTES_MAX = 64 * 1024;
/** A file that is not meant to be one of settings has a mistake on each line: nobody reads all of them. */
const PROBLEMS_MAX = 20;

/**
 * What a settings file gives, each with its line.
 *
 * @throws SettingsError when the file cannot be read
 */
export function readSettingsFile(file: string): GivenSettings {
  return parseSettingsFile(file, readText(file));
}

export function parseSettingsFile(file: string, source: string): GivenSettings {
  const lines = new LineCounter();
  const document = parse(source, lines);
  if (document === undefined) return { given: [], problems: [`${file}: is not YAML: ${TOO_DEEP}`] };
  const { errors } = document;
  if (errors.length > 0) {
    const problems = errors
      .slice(0, PROBLEMS_MAX)
      .map((error) => `${file}:${lines.linePos(error.pos[0]).line}: is not YAML: ${readable(error.message)}`);
    if (errors.length > PROBLEMS_MAX) problems.push(furtherOnes(file));
    return { given: [], problems };
  }
  const reader = new FileReader(file, document, lines);
  reader.readRoot();
  return reader;
}

const TOO_DEEP = 'it nests too deep';

/** @returns undefined when it nests deeper than the parser can follow */
function parse(source: string, lineCounter: LineCounter): Document | undefined {
  try {
    // Keys that come twice are told of by the reader; the parser compares each with all before it.
    return parseDocument(source, { lineCounter, prettyErrors: false, logLevel: 'error', uniqueKeys: false });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What YAML's parser says, in one line: without the text that it stumbled over, which may be part of a secret. */
function readable(message: string): string {
  if (message.includes('call stack')) return TOO_DEEP;
  return shortened(oneLine(message.split('\n', 1)[0]!.replace(/ in YAML stream: .*/, '')));
}

function furtherOnes(file: string): string {
  return `${file}: there are more mistakes than these ${PROBLEMS_MAX}`;
}

class FileReader implements GivenSettings {
  readonly given: GivenSetting[] = [];
  readonly problems: string[] = [];
  readonly #file: string;
  readonly #folder: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #seen = new Set<string>();

  constructor(file: string, document: Document, lines: LineCounter) {
    this.#file = file;
    this.#folder = dirname(resolve(file));
    this.#document = document;
    this.#lines = lines;
  }

  readRoot(): void {
    const root = this.#document.contents;
    if (isMap(root)) this.#readMap(root, '');
    else if (root !== null && !isEmpty(root))
      this.#problem(root, 'the settings must be a map of keys and values');
  }

  #readMap(map: YAMLMap, prefix: string): void {
    for (const pair of map.items) {
      if (this.problems.length > PROBLEMS_MAX) return;
      const name = nameOf(pair.key);
      if (name === undefined) this.#problem(pair.key, "a setting's name must be a word");
      else this.#readPair(pair.key, prefix + name, pair.value);
    }
  }

  #readPair(keyNode: unknown, key: string, given: unknown): void {
    if (!isSettingKey(key) && !isGroup(key)) this.#problem(keyNode, unknownSetting(key));
    else if (this.#seen.has(key)) this.#problem(keyNode, `${key} is given twice`);
    else if (isAlias(given) && given.resolve(this.#document) === undefined) {
      this.#problem(
        keyNode,
        `${key} is an alias, *${shortened(oneLine(given.source))}, without an anchor before it`,
      );
    } else {
      this.#seen.add(key);
      const value = isAlias(given) ? given.resolve(this.#document) : given;
      if (isSettingKey(key)) this.#readValue(keyNode, key, value);
      else if (isMap(value)) this.#readMap(value, `${key}.`);
      else if (!isEmpty(value)) this.#problem(keyNode, `${key} must be a map of keys and values`);
    }
  }

  /** What has parts is no value of any setting, and is not looked into: there may be anything in it, without end. */
  #readValue(node: unknown, key: GivenSetting['key'], value: unknown): void {
    const plain: unknown = value === null ? null : isScalar(value) ? value.value : compoundOf(value);
    this.given.push({ key, value: plain, source: 'file', place: this.#place(node), folder: this.#folder });
  }

  #problem(node: unknown, message: string): void {
    if (this.problems.length > PROBLEMS_MAX) return;
    const isOneMore = this.problems.length === PROBLEMS_MAX;
    this.problems.push(isOneMore ? furtherOnes(this.#file) : `${this.#place(node)}: ${message}`);
  }

  #place(node: unknown): string {
    const offset = (node as { range?: [number, number, number] | null } | null)?.range?.[0] ?? 0;
    return `${this.#file}:${this.#lines.linePos(offset).line}`;
  }
}

/** Undefined for a key that is a list, a map, an alias or nothing that has a text. */
function nameOf(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  const { value } = key;
  return typeof value === 'symbol' || typeof value === 'object' ? undefined : String(value);
}

function compoundOf(value: unknown): Compound {
  return isMap(value) ? COMPOUND.map : COMPOUND.list;
}

/** A key with nothing after it: all that it held may be commented out. */
function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

function readText(file: string): string {
  const bytes = readBytes(file);
  if (bytes.length > FILE_BYTES_MAX) throw unreadable(file, `it is larger than ${FILE_BYTES_MAX} bytes`);
  if (!isUtf8(bytes)) throw unreadable(file, 'it is not UTF-8; save it as that');
  return bytes.toString('utf8');
}

function readBytes(file: string): Buffer {
  try {
    return readStart(file, FILE_BYTES_MAX + 1);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw unreadable(
      file,
      code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`,
      cause,
    );
  }
}

/** No more than so many bytes: what is named may be a device, which has no end. */
function readStart(file: string, bytesMax: number): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(bytesMax);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytesMax; length += read) {
      read = readSync(descriptor, bytes, length, bytesMax - length, null);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(file: string, why: string, cause?: unknown): SettingsError {
  return new SettingsError([`settings ${file}: ${why}`], { cause });
}
