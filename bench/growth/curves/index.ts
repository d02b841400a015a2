import { backlog } from './backlog.ts';
import { body } from './body.ts';
import { connections } from './connections.ts';
import type { Curve } from './curve.ts';
import { groups } from './groups.ts';
import { pending } from './pending.ts';
import { streams } from './streams.ts';

export const CURVES: readonly Curve[] = [backlog, streams, groups, connections, body, pending];
