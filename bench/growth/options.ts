import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import type { Curve } from './curves/curve.ts';
import { CURVES } from './curves/index.ts';

const HELP = `Measures how the costs of SimpleMQ grow: with the backlog, with streams, groups, connections, the size of a body and
pending messages. Each point has a broker of its own; it and its clients are processes of their own.

  npm run bench:growth -- [options]

  --only A,B       curves: ${CURVES.map(({ id }) => id).join(', ')}
  --max N          leave out the points beyond N, for a quick look    (default: all points)
  --rounds N       rounds; medians are shown                          (default 3)
  --folder FOLDER  where the brokers keep their files; on a real disk (default ${tmpdir()})
  --out FOLDER     write growth.md, growth.json and growth.svg there
  --help

  npm run bench:growth -- --only backlog,streams --max 10000 --rounds 1
`;

export interface Options {
  /** With the points that are wanted. */
  readonly curves: readonly Curve[];
  readonly rounds: number;
  readonly folder: string;
  readonly out?: string;
}

/** @returns undefined when only help was wanted */
export function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      max: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      folder: { type: 'string', default: tmpdir() },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  const max = values.max === undefined ? Number.POSITIVE_INFINITY : count('max', values.max);
  return {
    curves: chosen(values.only).map((curve) => upTo(curve, max)),
    rounds: count('rounds', values.rounds),
    folder: values.folder,
    ...(values.out !== undefined && { out: values.out }),
  };
}

function chosen(list: string | undefined): readonly Curve[] {
  const wanted = list?.split(',');
  const unknown = wanted?.find((name) => !CURVES.some(({ id }) => id === name));
  if (unknown !== undefined) {
    fail(`--only takes names of ${CURVES.map(({ id }) => id).join(', ')}, not '${unknown}'`);
  }
  return CURVES.filter(({ id }) => wanted?.includes(id) ?? true);
}

/** The first point stays in any case. */
function upTo(curve: Curve, max: number): Curve {
  return { ...curve, points: curve.points.filter((point, index) => index === 0 || point <= max) };
}

function count(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  return fail(`--${option} takes a whole number from 1 on, not '${text}'`);
}

function fail(message: string): never {
  process.stderr.write(`bench:growth: ${message}\n`);
  process.exit(1);
}
