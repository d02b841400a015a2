import { temporaryFolder } from '@simplemq/testkit';
import type { Engine } from '../src/engine/engine.ts';
import type { EngineEvent } from '../src/engine/events.ts';
import { type EngineOptions, openEngine } from '../src/engine/open-engine.ts';

/** For tests that hold over either store. */
export const STORES = ['memory', 'file'] as const;
export type StoreKind = (typeof STORES)[number];

export interface TestEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly events: EngineEvent[];
  /** Settles with the first event of the type, from the start on. */
  event<T extends EngineEvent['type']>(type: T): Promise<Extract<EngineEvent, { type: T }>>;
  /** Where its database is; a temporary folder. */
  readonly path: string;
  /** Closes it and opens another on the same folder; `whileClosed` is waited for in between. */
  restart(options?: Partial<EngineOptions>, whileClosed?: () => Promise<void>): Promise<void>;
}

export async function openTestEngine(
  kind: StoreKind,
  options: Partial<EngineOptions> = {},
): Promise<TestEngine> {
  const folder = await temporaryFolder();
  const events: EngineEvent[] = [];
  const waiting: { type: string; resolve: (event: never) => void }[] = [];
  const onEvent = (event: EngineEvent) => {
    events.push(event);
    for (const { type, resolve } of waiting) if (type === event.type) resolve(event as never);
  };
  const storage = kind === 'memory' ? ('memory' as const) : { path: folder.path };
  let engine = await openEngine({ storage, onEvent, ...options });
  return {
    events,
    path: folder.path,
    get engine() {
      return engine;
    },
    event(type) {
      const past = events.find((event) => event.type === type);
      if (past !== undefined) return Promise.resolve(past as never);
      return new Promise((resolve) => waiting.push({ type, resolve }));
    },
    async restart(changed = {}, whileClosed = () => Promise.resolve()) {
      await engine.close();
      await whileClosed();
      engine = await openEngine({ storage, onEvent, ...options, ...changed });
    },
    async [Symbol.asyncDispose]() {
      await engine.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Lets the engine do what it can do without waiting for a disk or a clock. */
export async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
