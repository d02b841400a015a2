import { crc32 } from 'node:zlib';

/** The stages of the chain, in their order. */
export const STAGES = ['a', 'b', 'c'] as const;
export type Stage = (typeof STAGES)[number];

/** The stream that a stage reads. */
export const INPUTS: Readonly<Record<Stage, string>> = {
  a: 'chain.jobs',
  b: 'chain.after-a',
  c: 'chain.after-b',
};
/** Where the results of a stage go. */
export const OUTPUTS: Readonly<Record<Stage, string>> = { a: INPUTS.b, b: INPUTS.c, c: 'chain.results' };
export const RESULTS: string = OUTPUTS.c;
export const STREAMS: readonly string[] = [...STAGES.map((stage) => INPUTS[stage]), RESULTS];

/** What travels down the chain. */
export interface Job {
  readonly number: number;
  /** What the stages so far made of the number. */
  readonly value: number;
}

/** One job of so many is poison. */
const POISON_EVERY = 23;
const POISON_REST = 7;

export function newJob(number: number): Job {
  return { number, value: number };
}

export function compute(stage: Stage, { number, value }: Job): Job {
  return { number, value: crc32(`${stage} ${value}`) };
}

/** What has to come out at the end of the chain. */
export function resultOf(number: number): Job {
  return STAGES.reduce((job, stage) => compute(stage, job), newJob(number));
}

/** The stage whose handler throws whenever it gets this job. */
export function poisonedAt(number: number): Stage | undefined {
  if (number % POISON_EVERY !== POISON_REST) return undefined;
  return STAGES[Math.floor(number / POISON_EVERY) % STAGES.length];
}

export function poisonError(number: number, stage: Stage): string {
  return `job ${number} is poison for ${stage}`;
}
