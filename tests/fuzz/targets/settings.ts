import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DescribedSetting, describeSettings, SettingsError } from '@simplemq/server';
import { DEFINITIONS, SETTING_KEYS } from '../../../packages/server/src/settings/definitions.ts';
import type { Target } from '../target.ts';
import { CODE, ENVIRONMENT, GROUPS, generate, PIECES, SEEDS } from './settings-inputs.ts';

const LINE_LENGTH_MAX = 1_000;
const LINES_MAX = 100;
const CONTROL = /\p{Cc}|\p{Zl}|\p{Zp}/u;
const PLACE =
  /^.*settings\.yaml(?::\d+)?: (?:is not YAML: )?|^SIMPLEMQ_[A-Z_]+(?:: | (?=is ))|^startServer: /;
const PROTOTYPE_KEYS = Reflect.ownKeys(Object.prototype).length;

const NAME = new RegExp(`(?<![.\\w])(?:${[...SETTING_KEYS, ...GROUPS].join('|')})(?![.\\w])`, 'g');

/** All that settings are read from: a file, the environment and code. */
export const SETTINGS: Target = {
  name: 'settings',
  seeds: SEEDS,
  pieces: PIECES,
  inputBytesMax: 4_096,
  inputMsMax: 1_000,
  run,
  generate,
  close,
};

/** Where Linux keeps files in memory: a disk is slow to write one anew. */
const MEMORY = '/dev/shm';
let folder: string | undefined;

/** Written anew for each input. */
function settingsFile(): string {
  folder ??= mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'simplemq-fuzz-'));
  return join(folder, 'settings.yaml');
}

function close(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}

function run(input: Buffer): string {
  const [rest, code] = halves(input, CODE);
  const [file, environment] = halves(rest, ENVIRONMENT);
  writeFileSync(settingsFile(), file);
  const options = fromJson(code.toString());
  try {
    const settings = describeSettings({
      settingsFile: settingsFile(),
      environment: variablesOf(environment.toString()),
      options,
    });
    for (const setting of settings) requireWithinBounds(setting);
    return 'is taken';
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    requireReadable(error);
    return error.problems[0]!.replace(PLACE, '').replace(NAME, 'a setting');
  } finally {
    requireCleanPrototype();
  }
}

function halves(input: Buffer, mark: string): [Buffer, Buffer] {
  const at = input.indexOf(mark);
  return at < 0
    ? [input, input.subarray(input.length)]
    : [input.subarray(0, at), input.subarray(at + mark.length)];
}

function variablesOf(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.includes('='));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

function fromJson(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the value is what the page of limits says that it must be. */
function requireWithinBounds({ key, value, default: fallback }: DescribedSetting): void {
  if (value === undefined && fallback === undefined) return;
  const { expected } = DEFINITIONS[key].kind;
  const [, from, to] = / from (.+?) to (.+?)(?: \(|,|$)/.exec(expected) ?? [];
  const choices = /^one of (.+)$/.exec(expected)?.[1]?.split(', ');
  const isRight =
    from !== undefined && to !== undefined
      ? Number.isSafeInteger(value) && (value as number) >= sizeOf(from) && (value as number) <= sizeOf(to)
      : choices !== undefined
        ? choices.includes(value as string)
        : expected === 'true or false'
          ? typeof value === 'boolean'
          : typeof value === 'string' && value !== '' && !CONTROL.test(value);
  if (!isRight) throw new Error(`${key} is ${JSON.stringify(value)}; it must be ${expected}`);
}

function sizeOf(text: string): number {
  const [number, unit = ''] = text.split(' ');
  return Number(number) * 1024 ** Math.max(['bytes', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit), 0);
}

function requireReadable({ problems }: SettingsError): void {
  if (problems.length === 0 || problems.length > LINES_MAX)
    throw new Error(`there are ${problems.length} lines`);
  for (const problem of problems) {
    const isReadable = problem.length <= LINE_LENGTH_MAX && !CONTROL.test(problem) && PLACE.test(problem);
    if (!isReadable) throw new Error(`not a readable line that says where: ${JSON.stringify(problem)}`);
    if (problem.includes('-----BEGIN')) throw new Error(`a key is shown: ${problem}`);
  }
}

function requireCleanPrototype(): void {
  const isClean = Reflect.ownKeys(Object.prototype).length === PROTOTYPE_KEYS && !('polluted' in {});
  if (!isClean) throw new Error('the prototype of all objects is changed');
}
