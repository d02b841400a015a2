import {
  decodeHealthReply,
  decodeReloaded,
  encodeHealth,
  encodeReload,
  Opcode,
  type Reloaded,
} from '@simplemq/protocol';
import type { Ask } from './ask.ts';

/** How a broker is doing. */
export interface Health {
  /** Name and version, for people. */
  readonly server: string;
  readonly upSince: Date;
  readonly ready: boolean;
  /** 'ready', 'draining', 'storageSlow' or 'storageFull'; a later broker may have others. */
  readonly state: string;
  /** Why it is not ready, in one line. */
  readonly reason?: string;
}

export async function health(ask: Ask): Promise<Health> {
  const { upSince, state, ...rest } = await ask({
    opcode: Opcode.Health,
    what: 'whether the broker is ready',
    encode: encodeHealth,
    decode: decodeHealthReply,
    repeatable: true,
  });
  return { ...rest, state, upSince: new Date(upSince), ready: state === 'ready' };
}

export function reload(ask: Ask): Promise<Reloaded> {
  return ask({
    opcode: Opcode.Reload,
    what: 'to reload the settings',
    encode: encodeReload,
    decode: decodeReloaded,
    repeatable: true,
  });
}
