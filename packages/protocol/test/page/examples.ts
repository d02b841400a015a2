import { readFileSync } from 'node:fs';
import {
  type Attributes,
  BatchBuilder,
  encodeAttributes,
  encodeEnvelope,
  encodeFrame,
  Opcode,
  opcodeName,
} from '@simplemq/protocol';
import { Packr } from 'msgpackr';
import { annotateBatch, annotateFrame } from './annotate.ts';

export const PAGE: URL = new URL('../../../../docs/PROTOCOL.md', import.meta.url);

/** What stands under a line `Example: NAME, request id N` of the page: JSON, then hex with comments. */
export interface Example {
  readonly name: string;
  readonly requestId: number;
  readonly json: unknown;
  readonly hex: string;
  /** Where the hex stands in the page. */
  readonly start: number;
  readonly end: number;
}

const EXAMPLE =
  /^Example: ([A-Z_]+|record batch)(?:, request id (\d+))?\n\n```json\n([\s\S]*?)```\n\n```hex\n([\s\S]*?)```/gm;

export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

export function examplesOf(page: string): Example[] {
  return [...page.matchAll(EXAMPLE)].map((match) => {
    const [whole, name, requestId, json, hex] = match as unknown as [
      string,
      string,
      string?,
      string?,
      string?,
    ];
    const end = match.index + whole.length - '```'.length;
    return {
      name,
      requestId: Number(requestId ?? 0),
      json: JSON.parse(json!),
      hex: hex!,
      start: end - hex!.length,
      end,
    };
  });
}

/** The bytes that a block of hex shows. */
export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replace(/#.*$/gm, '').replace(/\s/g, ''), 'hex');
}

/** The bytes that the JSON of an example stands for, straight from its fields: `"0x…"` is bytes. */
export function encodeExample({
  name,
  requestId,
  json,
}: Pick<Example, 'name' | 'requestId' | 'json'>): Buffer {
  if (name === 'record batch') return encodeBatch(json as ExampleBatch);
  const opcode = opcodeOf(name);
  if (json === null) return encodeFrame(opcode, requestId, Buffer.alloc(0));
  if (!HAS_BATCHES.has(opcode)) return encodeFrame(opcode, requestId, encodeEnvelope(withBytes(json)));
  const { envelope, batch, batches = [batch!] } = json as ExampleData;
  const payload = Buffer.concat([encodeEnvelope(withBytes(envelope)), ...batches.map(encodeBatch)]);
  return encodeFrame(opcode, requestId, payload);
}

export function annotate(name: string, bytes: Buffer): string {
  return name === 'record batch' ? annotateBatch(bytes) : annotateFrame(bytes);
}

export function opcodeOf(name: string): Opcode {
  const opcode = Object.values(Opcode).find((candidate) => opcodeName(candidate) === name);
  if (opcode === undefined) throw new Error(`the page has an example of ${name}, which is no frame`);
  return opcode;
}

const HAS_BATCHES: ReadonlySet<number> = new Set([
  Opcode.Publish,
  Opcode.Transaction,
  Opcode.Deliver,
  Opcode.SaveSchedule,
  Opcode.ReadReply,
  Opcode.DeadLettersReply,
]);
const packr = new Packr({ useRecords: false, variableMapSize: true });

/** The JSON of a data frame: it has a batch, or several. */
interface ExampleData {
  readonly envelope: unknown;
  readonly batch?: ExampleBatch;
  readonly batches?: readonly ExampleBatch[];
}

interface ExampleBatch {
  readonly shared?: Attributes;
  readonly records: readonly ExampleRecord[];
}

/** `value` is a body of msgpack, `raw` one of bytes. */
interface ExampleRecord {
  readonly attributes?: Attributes;
  readonly value?: unknown;
  readonly raw?: string;
}

function encodeBatch({ shared, records }: ExampleBatch): Buffer {
  const builder = new BatchBuilder(shared && { shared: encodeAttributes(shared) });
  for (const { attributes, value, raw } of records) {
    const body = raw === undefined ? packr.pack(value) : Buffer.from(raw.slice(2), 'hex');
    builder.append(body, raw !== undefined, attributes && encodeAttributes(attributes));
  }
  return builder.finish();
}

function withBytes(json: unknown): Record<string, unknown> {
  const entries = Object.entries(json as Record<string, unknown>).map(([key, value]) => {
    const isBytes = typeof value === 'string' && value.startsWith('0x');
    return [key, isBytes ? Buffer.from(value.slice(2), 'hex') : value];
  });
  return Object.fromEntries(entries);
}
