import { Bind, BindType } from '@simplemq/client';
import { readUntilStopped } from './reader.ts';

// Reads every stream whose name matches a pattern.
await readUntilStopped((pattern) => new Bind(pattern, BindType.Regex));
