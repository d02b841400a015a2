import { jsonText } from './json-value.ts';

/** The reader of a pipe has gone, as `head` does; or the stream was closed because of that before. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'ERR_STREAM_DESTROYED']);

/**
 * Writes to standard output.
 *
 * @returns when the system has taken it: true; false when nobody reads any more, which is no error
 * @throws what else the system says, as that the disk is full
 */
export function print(text: string | Uint8Array): Promise<boolean> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve(true);
      else if (GONE.has((error as NodeJS.ErrnoException).code ?? '')) resolve(false);
      else reject(new Error(`standard output cannot be written: ${error.message}`, { cause: error }));
    });
  });
}

/** One JSON document, for programs. */
export function printJson(value: unknown): Promise<boolean> {
  return print(`${jsonText(value, 2)}\n`);
}

/** Resolves when all that was written has left the process, or cannot. */
export async function drained(): Promise<void> {
  const streams = [process.stdout, process.stderr];
  await Promise.all(streams.map((stream) => new Promise<void>((done) => stream.write('', () => done()))));
}
