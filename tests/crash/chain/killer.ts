import { setTimeout as sleep } from 'node:timers/promises';
import type { SpawnedBroker } from '@simplemq/testkit';
import type { Random } from '../../fuzz/random.ts';
import type { Stages } from './stages.ts';

export interface ChainKill {
  /** 'broker', the name of a stage's process, or both. */
  readonly victim: string;
  /** How many brokers and how many processes of stages it was. */
  readonly brokers: number;
  readonly stages: number;
  /** How long all had been up. */
  readonly upMs: number;
  /** How long it took until what was killed was there again. */
  readonly restartMs: number;
}

const UP_MS_MIN = 20;
const UP_MS_MAX = 600;
/** Who is killed. */
export const CHAIN_VICTIMS = ['broker', 'stages', 'any'] as const;
export type ChainVictim = (typeof CHAIN_VICTIMS)[number];
type Kind = 'broker' | 'stage' | 'both';
const KINDS: Readonly<Record<ChainVictim, readonly Kind[]>> = {
  broker: ['broker'],
  stages: ['stage'],
  any: ['broker', 'broker', 'stage', 'stage', 'both'],
};
/** Of so many brokers one is killed again while it starts. */
const AGAIN_EVERY = 5;
const START_MS = 300;

/** Kills the broker, a process of a stage, or both at once, and starts them again. */
export class ChainKiller {
  readonly #broker: SpawnedBroker;
  readonly #stages: Stages;
  readonly #kinds: readonly Kind[];
  readonly #random: Random;

  constructor(broker: SpawnedBroker, stages: Stages, victim: ChainVictim, random: Random) {
    this.#broker = broker;
    this.#stages = stages;
    this.#kinds = KINDS[victim];
    this.#random = random;
  }

  async kill(): Promise<ChainKill> {
    const upMs = UP_MS_MIN + this.#random.below(UP_MS_MAX - UP_MS_MIN);
    await sleep(upMs);
    const kind = this.#random.pick(this.#kinds);
    const killedAt = performance.now();
    const [, stage] = await Promise.all([
      kind !== 'stage' && this.#broker.kill(),
      kind !== 'broker' ? this.#stages.kill() : undefined,
    ]);
    const [brokers = 0] = await Promise.all([
      kind !== 'stage' ? this.#startBroker() : 0,
      stage && this.#stages.replace(stage.stage),
    ]);
    const victims = [...(brokers > 0 ? ['broker'] : []), ...(stage === undefined ? [] : [stage.name])];
    return {
      victim: victims.join(' and '),
      brokers,
      stages: stage === undefined ? 0 : 1,
      upMs,
      restartMs: performance.now() - killedAt,
    };
  }

  /** @returns how many were killed, the one before it included */
  async #startBroker(): Promise<number> {
    if (this.#random.below(AGAIN_EVERY) > 0) {
      await this.#broker.start();
      return 1;
    }
    // It is killed before it listens, or soon after.
    this.#broker.start().catch(() => {});
    await sleep(this.#random.below(START_MS));
    await this.#broker.kill();
    await this.#broker.start();
    return 2;
  }
}
