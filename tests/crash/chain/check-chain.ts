import { type Job, poisonError, poisonedAt, resultOf, type Stage } from './jobs.ts';
import { DELIVERIES_MAX } from './stage-options.ts';

/** The promises, by what it is called to break one. */
export const CHAIN_RULES = {
  refused: 'jobs whose publish was refused',
  missing: 'good jobs without a result',
  twice: 'good jobs with two results or more',
  wrong: 'results of another value, or of no job that was sent',
  poisonPassed: 'poison jobs with a result',
  poisonLost: 'poison jobs without a dead letter',
  poisonTwice: 'poison jobs with two dead letters or more',
  attempts: 'dead letters that do not tell each attempt with its error',
  goodDied: 'jobs that died where they are no poison, and not of kills alone',
  notDrained: 'streams that still held jobs when nothing moved any more',
} as const;

export type ChainRule = keyof typeof CHAIN_RULES;

export interface ChainViolation {
  readonly rule: ChainRule;
  readonly text: string;
}

/** A dead letter, as far as it matters here. */
export interface Letter {
  readonly stage: Stage;
  /** Its sequence number in the dead-letter stream. */
  readonly sequence: number;
  readonly number: number;
  readonly cause: string;
  readonly attempts: readonly { readonly attempt: number; readonly cause: string; readonly error: string }[];
}

/** What there was at the end. */
export interface ChainOutcome {
  readonly confirmed: ReadonlySet<number>;
  readonly refused: ReadonlyMap<number, string>;
  readonly results: readonly Job[];
  readonly letters: readonly Letter[];
}

/** The ends of an attempt whose holder, or broker, was killed: there is no error of a handler to tell. */
const OF_KILLS: readonly string[] = ['disconnected', 'unknown'];

export function* checkChain(outcome: ChainOutcome): Generator<ChainViolation> {
  for (const [number, code] of outcome.refused) yield { rule: 'refused', text: `${number}: ${code}` };
  yield* checkResults(outcome);
  yield* checkPoison(outcome);
  for (const letter of outcome.letters) yield* checkLetter(letter);
}

/** Whether kills alone brought a job to the dead letters: it was in hand, or buffered, each time. */
export function diedOfKills({ stage, number, attempts }: Letter): boolean {
  return poisonedAt(number) !== stage && attempts.every(({ cause }) => OF_KILLS.includes(cause));
}

function* checkResults({ confirmed, refused, results }: ChainOutcome): Generator<ChainViolation> {
  const byNumber = Map.groupBy(results, ({ number }) => number);
  for (const number of confirmed) {
    const count = byNumber.get(number)?.length ?? 0;
    if (poisonedAt(number) !== undefined) {
      if (count > 0) yield { rule: 'poisonPassed', text: `${number} has ${count} results` };
    } else if (count === 0) yield { rule: 'missing', text: `${number} has no result` };
    else if (count > 1) yield { rule: 'twice', text: `${number} has ${count} results` };
  }
  for (const { number, value } of results) {
    const isSent = confirmed.has(number) || refused.has(number);
    const right = resultOf(number).value;
    if (!isSent) yield { rule: 'wrong', text: `${number} was never sent` };
    else if (value !== right) yield { rule: 'wrong', text: `${number} is ${value} and not ${right}` };
  }
}

function* checkPoison({ confirmed, letters }: ChainOutcome): Generator<ChainViolation> {
  const byNumber = Map.groupBy(letters, ({ number }) => number);
  for (const number of confirmed) {
    if (poisonedAt(number) === undefined) continue;
    const count = byNumber.get(number)?.length ?? 0;
    if (count === 0) yield { rule: 'poisonLost', text: `${number} has no dead letter` };
    if (count > 1) yield { rule: 'poisonTwice', text: `${number} has ${count} dead letters` };
  }
}

function* checkLetter({ stage, number, cause, attempts }: Letter): Generator<ChainViolation> {
  const text = `${number} at ${stage}: ${cause}, ${JSON.stringify(attempts)}`;
  if (poisonedAt(number) !== stage) yield { rule: 'goodDied', text };
  else if (
    cause !== 'maxDeliveries' ||
    !areAll(attempts) ||
    !tellErrors(attempts, poisonError(number, stage))
  )
    yield { rule: 'attempts', text };
}

function areAll(attempts: Letter['attempts']): boolean {
  return attempts.length === DELIVERIES_MAX && attempts.every(({ attempt }, index) => attempt === index + 1);
}

function tellErrors(attempts: Letter['attempts'], expected: string): boolean {
  return attempts.every(({ cause, error }) =>
    cause === 'nack' ? error === expected : OF_KILLS.includes(cause),
  );
}
