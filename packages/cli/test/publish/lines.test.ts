import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Block, readLines } from '../../src/publish/lines.ts';

async function blocksOf(chunks: readonly Uint8Array[], lineBytesMax = 1_000_000): Promise<Block[]> {
  async function* source() {
    yield* chunks;
  }
  const blocks: Block[] = [];
  for await (const block of readLines(source(), lineBytesMax)) blocks.push(block);
  return blocks;
}

/** Cuts `bytes` at the places that `cuts` picks. */
function cutUp(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end));
}

const anyLine = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text.replaceAll('\n', ''))),
  fc.uint8Array().map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0x0a))),
);

test('however input is cut into chunks, its lines come out byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyLine), fc.array(fc.nat()), async (lines, cuts) => {
      const input = Buffer.concat(lines.map((line) => Buffer.concat([line, Buffer.from('\n')])));
      const blocks = await blocksOf(cutUp(input, cuts));
      const found = blocks.flatMap((block) => block.lines.map((line) => Buffer.from(line as Uint8Array)));
      expect(found).toEqual(lines.map((line) => Buffer.from(line)));
      expect(blocks.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(input.length);
      let next = 1;
      for (const block of blocks) {
        expect(block.firstNumber).toBe(next);
        next += block.lines.length;
      }
    }),
  );
});

test('text is strings; the last line needs no newline', async () => {
  const blocks = await blocksOf([Buffer.from('one\ntw'), Buffer.from('o\n'), Buffer.from('three')]);
  expect(blocks).toEqual([
    { lines: ['one'], bytes: 4, firstNumber: 1 },
    { lines: ['two'], bytes: 4, firstNumber: 2 },
    { lines: ['three'], bytes: 5, firstNumber: 3 },
  ]);
});

test('a line that never ends is refused before it is all in memory', async () => {
  let chunks = 0;
  async function* endless() {
    for (;;) {
      chunks++;
      yield Buffer.alloc(1_000, 'x');
    }
  }
  const reading = readLines(endless(), 10_000).next();
  await expect(reading).rejects.toThrow(/^line 1 is longer than 9\.8 KiB, .*maxMessageBytes/);
  expect(chunks).toBeLessThanOrEqual(11);
});
