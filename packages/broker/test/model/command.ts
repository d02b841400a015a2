import fc from 'fast-check';
import type { ModelFollower } from './engine-model.ts';
import { GROUPS, STREAMS } from './kinds.ts';
import type { World } from './world.ts';

/** fast-check's own model is not used: the world keeps it, because deliveries change it between commands. */
export type Nothing = Record<string, never>;
export type ModelCommand = fc.AsyncCommand<Nothing, World>;
export type Bind = ModelFollower['bind'];

export const name: fc.Arbitrary<string> = fc.constantFrom(...Object.keys(STREAMS));
export const group: fc.Arbitrary<string> = fc.constantFrom('workers', ...Object.keys(GROUPS));
export const bind: fc.Arbitrary<Bind> = fc.oneof(
  { weight: 3, arbitrary: name.map((stream) => ({ stream })) },
  { weight: 1, arbitrary: fc.constantFrom('^a', '1$', '.').map((pattern) => ({ pattern })) },
);

/** Mostly few; sometimes so many that they lie in more than one window of a ledger. */
export function upToOrMany(few: number, many: number): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: few }) },
    { weight: 1, arbitrary: fc.integer({ min: many / 2, max: many }) },
  );
}

/** A command; `act` brings model and engine forward, and does not wait for what it has asked. */
class Command implements fc.AsyncCommand<Nothing, World> {
  readonly #label: string;
  readonly #act: (world: World) => Promise<void> | void;
  readonly #settles: boolean;

  constructor(label: string, settles: boolean, act: (world: World) => Promise<void> | void) {
    this.#label = label;
    this.#settles = settles;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  async run(_: Nothing, world: World): Promise<void> {
    await this.#act(world);
    if (this.#settles) await world.settle();
  }

  toString(): string {
    return this.#label + (this.#settles ? '' : ' (not awaited)');
  }
}

export function command<T>(
  label: string,
  argument: fc.Arbitrary<T>,
  act: (world: World, value: T) => Promise<void> | void,
): fc.Arbitrary<ModelCommand> {
  return fc.tuple(argument, fc.boolean()).map(([value, settles]) => {
    return new Command(`${label} ${JSON.stringify(value)}`, settles, (world) => act(world, value));
  });
}

export function withFollower(world: World, who: number, act: (key: number) => void): void {
  const keys = [...world.followers.keys()];
  const key = keys[who % Math.max(1, keys.length)];
  if (key !== undefined) act(key);
}

export function isMissing(world: World, to: Bind): boolean {
  return 'stream' in to && !world.model.streams.has(to.stream);
}

/** Followers that are over have been told why. */
export function expectEnded(world: World, keys: readonly number[], code: string): void {
  for (const key of keys) {
    const { endedWith } = world.followers.get(key)!;
    expectThat(endedWith?.code === code, `follower ${key} ended with ${endedWith}`);
    world.followers.delete(key);
  }
}

export async function expectError(request: Promise<unknown>, code: string): Promise<void> {
  const error = await request.then(
    () => undefined,
    (cause: { code?: string }) => cause,
  );
  expectThat(error?.code === code, `${code} was expected, and ${error} came`);
}

export function expectThat(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
