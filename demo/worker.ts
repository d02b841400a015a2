import { Bind } from '@simplemq/client';
import { readUntilStopped } from './reader.ts';

// One of those that compete for the messages of a stream.
await readUntilStopped((stream) => new Bind(stream));
