import { readFileSync } from 'node:fs';

/** A program of a guide page, and what it prints. */
export interface GuideProgram {
  /** As its first line has it: `// name.ts`. */
  readonly name: string;
  readonly code: string;
  readonly output: string;
}

const BLOCK = /^```(\w+)\n([\s\S]*?)^```$/gm;
const NAME = /^\/\/ (\S+\.ts)/;
/** The address that the pages show. */
const SHOWN_URL = 'simplemq://localhost:9090';

/** The programs of a page, in order, for a broker at `url`. */
export function programsOf(page: URL, url: string): GuideProgram[] {
  const blocks = [...readFileSync(page, 'utf8').matchAll(BLOCK)].map(([, language, text]) => ({
    language,
    text: text ?? '',
  }));
  return blocks.flatMap(({ language, text }, index) => {
    if (language !== 'ts') return [];
    const name = NAME.exec(text)?.[1];
    const next = blocks[index + 1];
    if (name === undefined || next?.language !== 'text') {
      throw new Error(`a program of ${page.pathname} has no name, or nothing says what it prints`);
    }
    return [{ name, code: text.replaceAll(SHOWN_URL, url), output: next.text }];
  });
}
