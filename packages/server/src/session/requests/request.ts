import type { Engine, ProducerStamp } from '@simplemq/broker';
import type { Health, Reloaded } from '@simplemq/protocol';
import type { LimitSettings } from '../../settings/settings.ts';
import type { Peer } from '../handshake.ts';
import type { SessionBackups } from '../session-backups.ts';
import type { SessionFollowers } from '../session-followers.ts';

/** What a client may want of the server itself. */
export interface Operation {
  health(): Health;
  /** @throws InvalidOption with the reason when the settings are wrong; nothing was changed */
  reload(): Promise<Reloaded>;
}

/** What a request is carried out with. */
export interface RequestContext {
  readonly engine: Engine;
  readonly limits: LimitSettings;
  readonly peer: Peer;
  readonly followers: SessionFollowers;
  readonly backups: SessionBackups;
  readonly operation: Operation;
  /** Whether the client is on the machine of the server. */
  readonly isLocal: boolean;
}

/**
 * Carries out one command. What it throws or rejects with is answered with ERROR; a ProtocolViolation ends the
 * connection.
 *
 * @returns the frame to answer with, or undefined when there is none to send (any more)
 */
export type RequestHandler = (
  context: RequestContext,
  requestId: number,
  payload: Buffer,
) => Promise<Uint8Array | undefined> | undefined;

/** Whose publish it is: never stored twice, however often it comes. */
export function producerStamp(
  { peer, limits }: RequestContext,
  number: number,
  settled: number,
): ProducerStamp {
  return { id: peer.producer, number, settled, unconfirmedMax: limits.maxUnconfirmedBatches };
}
