import type { Engine } from '../../src/engine/engine.ts';

/** An engine that the suite is held against. */
export interface EngineKind {
  readonly name: string;
  /** Whether what it has confirmed is there when it is opened again. */
  readonly survives: boolean;
  /** Opens one that has nothing. */
  open(): Promise<OpenedEngine>;
}

export interface OpenedEngine extends AsyncDisposable {
  /** The one that is open now. */
  readonly engine: Engine;
  /** Closes it and opens another on what it kept; `whileClosed` is waited for in between. */
  restart(whileClosed?: () => Promise<void>): Promise<void>;
}
