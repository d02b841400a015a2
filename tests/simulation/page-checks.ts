import type { Engine, ReadPage } from '../../packages/broker/src/engine/engine.ts';
import { readBack } from '../../packages/broker/test/batches.ts';
import type { Book } from './book.ts';
import type { StreamBook } from './group-book.ts';

/** Reads a page of a stream without a group, and holds it against what is stored. */
export async function checkPage(
  book: Book,
  engine: Engine,
  name: string,
  { from, limit }: { from: number; limit: number },
): Promise<void> {
  const stream = book.stream(name);
  if (stream === undefined) return;
  const { life } = book;
  const page = await engine.read({ stream: name, startFrom: { sequence: from }, limit });
  if (book.stream(name) !== stream || book.life !== life) return;
  book.count('pages read');
  const read = checkRuns(book, stream, page, from);
  if (read.size > limit)
    book.violate('pageWrong', `${read.size} messages of ${name}, and ${limit} were asked for`);
  const { retention } = book.expected.limitsOf(name);
  if (retention !== 'log' || stream.mayBeTrimmed || stream.wasPurged || stream.isLoose) return;
  for (const sequence of stream.bodies.keys()) {
    if (sequence >= from && sequence < page.next && !read.has(sequence))
      book.violate('pageWrong', `${sequence} of ${name} is not in the page from ${from} to ${page.next}`);
  }
}

function checkRuns(book: Book, stream: StreamBook, page: ReadPage, from: number): Set<number> {
  const read = new Set<number>();
  let last = from - 1;
  for (const run of page.runs) {
    for (const [index, { body }] of readBack(run).entries()) {
      const sequence = run.first + index;
      const where = `${sequence} of ${stream.name}, after ${last}`;
      if (sequence <= last || sequence >= page.next) book.violate('pageWrong', where);
      if (stream.bodies.get(sequence) !== body)
        book.violate('pageWrong', `${where}, is ${body}, and ${stream.bodies.get(sequence)} is stored`);
      read.add(sequence);
      last = sequence;
    }
  }
  return read;
}
