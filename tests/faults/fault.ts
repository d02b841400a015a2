import type { World } from './world.ts';

/** Something that goes wrong for a while. */
export interface Fault {
  /** As --only knows it. */
  readonly name: string;
  /** What a person would call it. */
  readonly title: string;
  /**
   * Begins it, leaves it for about `ms`, and ends it. What it leaves broken, World.recover mends.
   *
   * @returns whether it took effect: something was seen that does not come without it
   */
  run(world: World, ms: number): Promise<boolean>;
}
