import type { ControlRequest } from '../connection/control-requests.ts';

/** Sends a request of a cursor and waits for its answer. */
export type Ask = <R>(request: ControlRequest<R>) => Promise<R>;

/** For answers that say nothing. */
export function nothing(): void {}
