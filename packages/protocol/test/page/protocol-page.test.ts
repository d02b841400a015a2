import { crc32 } from 'node:zlib';
import * as protocol from '@simplemq/protocol';
import {
  closesConnection,
  decodeBatch,
  ERROR_CODES,
  type Frame,
  FrameDecoder,
  Opcode,
  opcodeName,
  validateRecords,
} from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';
import { bytesOf as bytesOfBatch } from '../batch/batch-bytes.ts';
import { commandOf } from '../commands/command-codecs.ts';
import { batchesOf } from '../commands/hostile-bytes.ts';
import { annotate, bytesOf, encodeExample, examplesOf, opcodeOf, readPage } from './examples.ts';

const page = readPage();
const examples = examplesOf(page);
const frames = examples.filter(({ name }) => name !== 'record batch');
const batches = examples.filter(({ name }) => name === 'record batch');

describe('docs/PROTOCOL.md', () => {
  test('has an example of every frame', () => {
    const shown = new Set(frames.map(({ name }) => name));
    expect([...shown].sort()).toEqual(Object.values(Opcode).map(opcodeName).sort());
  });

  test('states the limits as they are', () => {
    const number = (value: number) => value.toLocaleString('en');
    expect(page).toContain(`more than ${protocol.ENVELOPE_DEPTH_MAX} deep`);
    expect(page).toContain(`more than ${number(protocol.ENVELOPE_VALUES_MAX)} values`);
    expect(page).toContain(`have 1 to ${protocol.NAME_LENGTH_MAX} characters`);
    expect(page).toContain(`of at most ${number(protocol.PATTERN_LENGTH_MAX)} characters`);
    expect(page).toContain(`never above ${number(protocol.BATCH_RECORDS_MAX)}`);
    expect(page).toContain(`at most ${number(protocol.ATTRIBUTES_BYTES_MAX)} bytes`);
    expect(page).toContain(`at most ${number(protocol.TRANSACTION_PUBLISHES_MAX)} publishes`);
    expect(page).toContain(`at most ${number(protocol.HANDSHAKE_BYTES_MAX)} until WELCOME`);
    expect(page).toContain(`has ${protocol.HANDSHAKE_TIMEOUT_MS / 1000}\nseconds`);
    expect(page).toContain(crc32('123456789').toString(16));
  });

  test('has every feature in its table', () => {
    for (const feature of protocol.FEATURES) expect(page).toMatch(new RegExp(`\\n\\| \`${feature}\` \\| `));
  });

  test('links to headings that it has', () => {
    const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => {
      return heading!
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-');
    });
    const links = new Set([...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor));
    expect([...links].filter((anchor) => !headings.includes(anchor!))).toEqual([]);
  });

  test('has no block of hex that is not an example', () => {
    expect(page.match(/^```hex$/gm)).toHaveLength(examples.length);
  });

  test('has every frame in its table, with its opcode, and who sends it', () => {
    for (const opcode of Object.values(Opcode)) {
      const { name, from } = commandOf(opcode);
      const sender = from === 'both' ? 'both' : `${from}`;
      expect(page).toMatch(
        new RegExp(`\\| \`${name}\` +\\| \`0x${opcode.toString(16).padStart(2, '0')}\` +\\| ${sender} `),
      );
    }
  });

  test('has every error code in its table, and whether the connection closes', () => {
    for (const code of ERROR_CODES) {
      expect(page).toMatch(
        new RegExp(`\\| \`${code}\` +\\| ${closesConnection(code) ? 'closed' : 'stays'} `),
      );
    }
  });
});

describe.each(frames)('the example of $name', (example) => {
  const bytes = bytesOf(example.hex);

  test('is one frame of that name and request id', () => {
    const { opcode, requestId } = onlyFrame(bytes);
    expect([opcodeName(opcode), requestId]).toEqual([example.name, example.requestId]);
  });

  test('holds what its JSON says', () => {
    expect(bytes.toString('hex')).toBe(encodeExample(example).toString('hex'));
  });

  test('is decoded, and encoded to the same bytes again', () => {
    const { opcode, requestId, payload } = onlyFrame(bytes);
    const command = commandOf(opcode);
    const message = command.decode(payload);
    for (const batch of batchesOf(message)) validateRecords(batch);
    expect(command.encode(requestId, message).toString('hex')).toBe(bytes.toString('hex'));
  });

  test('has comments that are true', () => {
    expect(example.hex).toBe(annotate(example.name, bytes));
  });
});

describe.each(batches)('the example of a record batch', (example) => {
  test('holds what its JSON says, is decoded, and encoded to the same bytes again', () => {
    const bytes = bytesOf(example.hex);
    expect(bytes.toString('hex')).toBe(encodeExample(example).toString('hex'));
    const batch = decodeBatch(bytes);
    validateRecords(batch);
    expect(bytesOfBatch(batch)).toEqual(bytes);
    expect(example.hex).toBe(annotate(example.name, bytes));
  });
});

const STEP = /^(C|S) +(\d+) +([A-Z_]+) +(\{.*\})?$/;

describe('the conversation', () => {
  const [, block] = page.match(/```conversation\n([\s\S]*?)```/) ?? expect.fail('the page has none');
  const steps = block!.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  test.each(steps)('%s', (line) => {
    const [, sender, requestId, name, json] = line.match(STEP) ?? expect.fail('is not written as a step');
    const opcode = opcodeOf(name!);
    const { from, decode } = commandOf(opcode);
    expect(from).toBe(sender === 'C' ? 'client' : 'server');
    const bytes = encodeExample({
      name: name!,
      requestId: Number(requestId),
      json: JSON.parse(json ?? 'null'),
    });
    decode(onlyFrame(bytes).payload);
  });

  test('has a request for every answer', () => {
    const open = new Set<string>();
    for (const line of steps) {
      const [, sender, requestId, name] = line.match(STEP)!;
      const opcode = opcodeOf(name!);
      if (requestId === '0') continue;
      if (sender === 'C') open.add(`${requestId}:${opcode | 0x80}`);
      else expect(open.delete(`${requestId}:${opcode}`)).toBe(true);
    }
    expect([...open]).toEqual([]);
  });
});

function onlyFrame(bytes: Buffer): Frame {
  const seen: Frame[] = [];
  new FrameDecoder({ frameBytesMax: bytes.length }).push(bytes, (frame) => seen.push(frame) > 0);
  expect(seen).toHaveLength(1);
  return seen[0]!;
}
