/**
 * Writes the hex of every example in docs/PROTOCOL.md anew, from the JSON above it:
 *
 *   npx node packages/protocol/test/page/rewrite.ts
 */
import { writeFileSync } from 'node:fs';
import { annotate, encodeExample, examplesOf, PAGE, readPage } from './examples.ts';

let page = readPage();
for (const example of examplesOf(page).reverse()) {
  const hex = annotate(example.name, encodeExample(example));
  page = page.slice(0, example.start) + hex + page.slice(example.end);
}
writeFileSync(PAGE, page);
