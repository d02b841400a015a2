import { beginningOf } from '../beginning.ts';
import { ProtocolViolation, Unsupported } from '../errors.ts';

/**
 * The fields of a decoded envelope, each read once by name and type. `end()` refuses those that nobody read: a peer
 * that asks for more than this version has is told so, never silently ignored.
 */
export class Fields {
  readonly #what: string;
  readonly #map: Readonly<Record<string, unknown>>;
  readonly #unread: Set<string>;

  constructor(what: string, map: Readonly<Record<string, unknown>>) {
    this.#what = what;
    this.#map = map;
    this.#unread = new Set(Object.keys(map));
  }

  string(name: string): string {
    return this.optionalString(name) ?? this.#missing(name, 'a string');
  }

  optionalString(name: string): string | undefined {
    const value = this.#take(name);
    return value === undefined || typeof value === 'string' ? value : this.#wrong(name, 'a string', value);
  }

  /** A whole number from 0 to 2^53 - 1, in whichever numeric type of msgpack it came. */
  integer(name: string): number {
    return this.optionalInteger(name) ?? this.#missing(name, 'a whole number');
  }

  optionalInteger(name: string): number | undefined {
    const value = this.#take(name);
    if (value === undefined || isWholeNumber(value)) return value;
    return this.#wrong(name, 'a whole number from 0 to 2^53-1', value);
  }

  /** Any finite number, in whichever numeric type of msgpack it came. */
  optionalNumber(name: string): number | undefined {
    const value = this.#take(name);
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
    return this.#wrong(name, 'a number', value);
  }

  boolean(name: string): boolean {
    return this.optionalBoolean(name) ?? this.#missing(name, 'true or false');
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.#take(name);
    return value === undefined || typeof value === 'boolean'
      ? value
      : this.#wrong(name, 'true or false', value);
  }

  bytes(name: string, length: number): Buffer {
    const value = this.#take(name) ?? this.#missing(name, `${length} bytes`);
    if (!(value instanceof Uint8Array) || value.length !== length) {
      return this.#wrong(name, `${length} bytes`, value);
    }
    return Buffer.from(value);
  }

  /** Bytes, as many as there are, from where they lie. */
  blob(name: string): Buffer {
    const value = this.#take(name) ?? this.#missing(name, 'bytes');
    if (!(value instanceof Uint8Array)) return this.#wrong(name, 'bytes', value);
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }

  array(name: string): readonly unknown[] {
    const value = this.#take(name) ?? this.#missing(name, 'an array');
    return Array.isArray(value) ? value : this.#wrong(name, 'an array', value);
  }

  optionalArray(name: string): readonly unknown[] | undefined {
    const value = this.#take(name);
    return value === undefined || Array.isArray(value) ? value : this.#wrong(name, 'an array', value);
  }

  strings(name: string): readonly string[] {
    return this.optionalStrings(name) ?? this.#missing(name, 'an array of strings');
  }

  optionalStrings(name: string): readonly string[] | undefined {
    const value = this.optionalArray(name);
    if (value === undefined || value.every((item) => typeof item === 'string')) return value;
    return this.#wrong(name, 'an array of strings', value);
  }

  integers(name: string): readonly number[] {
    return this.optionalIntegers(name) ?? this.#missing(name, 'an array of whole numbers');
  }

  optionalIntegers(name: string): readonly number[] | undefined {
    const value = this.optionalArray(name);
    if (value === undefined || value.every(isWholeNumber)) return value;
    return this.#wrong(name, 'an array of whole numbers', value);
  }

  /** A map inside the envelope, as fields of their own. */
  map(name: string): Fields {
    return this.optionalMap(name) ?? this.#missing(name, 'a map');
  }

  optionalMap(name: string): Fields | undefined {
    const value = this.#take(name);
    return value === undefined ? undefined : fieldsOf(`${this.#what}.${name}`, value);
  }

  /** A map whose values are anything, as error details are. */
  optionalRecord(name: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.#take(name);
    if (value === undefined || isMap(value)) return value;
    return this.#wrong(name, 'a map', value);
  }

  optionalStringMap(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.optionalRecord(name);
    if (value === undefined) return undefined;
    for (const key in value) {
      if (typeof value[key] !== 'string') this.#wrong(`${name}.${beginningOf(key)}`, 'a string', value[key]);
    }
    return value as Readonly<Record<string, string>>;
  }

  /** A field that may be of several types; its reader sees to them. */
  optionalAny(name: string): unknown {
    return this.#take(name);
  }

  /** To be called when all that is known was read. */
  end(): void {
    for (const name of this.#unread) {
      const shown = beginningOf(name);
      throw new Unsupported(`${this.#what} has a field '${shown}', which this version does not know`, {
        details: { field: shown },
      });
    }
  }

  /** nil counts as absent, so that a client in any language may send it. */
  #take(name: string): unknown {
    this.#unread.delete(name);
    return Object.hasOwn(this.#map, name) ? (this.#map[name] ?? undefined) : undefined;
  }

  #missing(name: string, expected: string): never {
    throw new ProtocolViolation(`${this.#what} lacks the field '${name}' (${expected})`);
  }

  #wrong(name: string, expected: string, value: unknown): never {
    throw new ProtocolViolation(
      `${this.#what} has '${name}' of type ${typeName(value)}; it must be ${expected}`,
    );
  }
}

/** `value` as fields, when it is a map. */
export function fieldsOf(what: string, value: unknown): Fields {
  if (!isMap(value)) throw new ProtocolViolation(`${what} is of type ${typeName(value)}; it must be a map`);
  return new Fields(what, value);
}

export function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

function typeName(value: unknown): string {
  if (value === null) return 'nil';
  if (Array.isArray(value)) return 'array';
  return value instanceof Uint8Array ? 'bytes' : typeof value;
}
