import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isAlias, isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { type GivenSetting, type GivenSettings, isGroup, isSettingKey, unknownSetting } from './given.ts';
import { SettingsError } from './settings-error.ts';

/** Larger than any settings that a person writes. */
const FILE_BYTES_MAX = 1024 * 1024;

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
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map(
      (error) => `${file}:${lines.linePos(error.pos[0]).line}: is not YAML: ${firstLine(error.message)}`,
    );
    return { given: [], problems };
  }
  const reader = new FileReader(file, document, lines);
  reader.readRoot();
  return reader;
}

class FileReader implements GivenSettings {
  readonly given: GivenSetting[] = [];
  readonly problems: string[] = [];
  readonly #file: string;
  readonly #folder: string;
  readonly #document: Document;
  readonly #lines: LineCounter;

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
      const name = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      const key = prefix + name;
      const value = isAlias(pair.value) ? pair.value.resolve(this.#document) : pair.value;
      if (isSettingKey(key)) this.#readValue(pair.key, key, value);
      else if (!isGroup(key)) this.#problem(pair.key, unknownSetting(key));
      else if (isMap(value)) this.#readMap(value, `${key}.`);
      else if (!isEmpty(value)) this.#problem(pair.key, `${key} must be a map of keys and values`);
    }
  }

  #readValue(node: unknown, key: GivenSetting['key'], value: unknown): void {
    // The anchors of a settings file are few: an alias that expands without end is refused by toJS.
    const plain = isNode(value) ? value.toJS(this.#document, { maxAliasCount: 100 }) : value;
    this.given.push({ key, value: plain, source: 'file', place: this.#place(node), folder: this.#folder });
  }

  #problem(node: unknown, message: string): void {
    this.problems.push(`${this.#place(node)}: ${message}`);
  }

  #place(node: unknown): string {
    const offset = (node as { range?: [number, number, number] | null } | null)?.range?.[0] ?? 0;
    return `${this.#file}:${this.#lines.linePos(offset).line}`;
  }
}

interface ValueNode {
  toJS(document: Document, options: { maxAliasCount: number }): unknown;
}

function isNode(value: unknown): value is ValueNode {
  return typeof value === 'object' && value !== null && 'toJS' in value;
}

/** A key with nothing after it: all that it held may be commented out. */
function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length <= FILE_BYTES_MAX) return bytes.toString('utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new SettingsError([`settings ${file}: ${why}`], { cause });
  }
  throw new SettingsError([`settings ${file}: it is larger than ${FILE_BYTES_MAX} bytes`]);
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!;
}
