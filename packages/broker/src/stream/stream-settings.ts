import { InvalidOption, StreamConflict, type StreamOptions, Unsupported } from '@simplemq/protocol';
import type { Stream, StreamSettings } from './stream.ts';

/** Options as a client gives them, with the defaults in. */
export function streamSettings(options: StreamOptions, defaultStorage: 'file' | 'memory'): StreamSettings {
  const storage = options.storage ?? defaultStorage;
  const retention = options.retention ?? 'work';
  if (storage !== 'file' && storage !== 'memory') {
    throw new InvalidOption(`a stream cannot have storage '${storage}'; it is 'file' or 'memory'`, {
      details: { option: 'storage' },
    });
  }
  if (storage === 'file' && defaultStorage === 'memory') {
    throw new Unsupported(
      "this broker has no data folder, so it has no streams with storage 'file'; use 'memory'",
    );
  }
  if (retention !== 'work') {
    throw new Unsupported(`this broker does not have retention '${retention}'; it has 'work'`, {
      details: { option: 'retention' },
    });
  }
  return { storage, retention };
}

/** @throws StreamConflict naming the first option in which the stream differs from what is asked for */
export function checkSameSettings(stream: Stream, asked: StreamSettings): void {
  for (const option of ['storage', 'retention'] as const) {
    if (stream.settings[option] === asked[option]) continue;
    throw new StreamConflict(
      `the stream '${stream.name}' exists with ${option} '${stream.settings[option]}', and '${asked[option]}' was ` +
        'asked for; ask for what it has, or delete it first',
      { details: { option, stream: stream.name } },
    );
  }
}
