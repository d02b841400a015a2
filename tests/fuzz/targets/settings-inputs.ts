import { SETTING_KEYS, variableOf } from '../../../packages/server/src/settings/definitions.ts';
import type { Random } from '../random.ts';

/** What follows such a line is a variable of the environment on each line, or JSON for what is given in code. */
export const ENVIRONMENT = '\n--- environment\n';
export const CODE = '\n--- code\n';

export const GROUPS: readonly string[] = [
  ...new Set(SETTING_KEYS.filter((key) => key.includes('.')).map((key) => key.split('.')[0]!)),
];
const KEYS = [...SETTING_KEYS, ...GROUPS, ...SETTING_KEYS.map((key) => key.split('.').at(-1)!)];
const ODD_KEYS = '__proto__ constructor toString << "" 1 null *a prot limits. .port'.split(' ');

const NUMBERS = '1 0 -1 -0 9090 70000 1e3 1e400 0x10 0o17 .inf .nan 9007199254740993 1_000'.split(' ');
const WORDS = 'true false yes null ~ "" info none require :memory: ./data 64MiB 2001-01-01'.split(' ');
const NODES = '{a:} [[[[[[]]]]]] *a *nope !x'.split(' ');
const TEXTS = ['"a\\0b"', '"a\\nb"', '|\n    a\n    b', '>\n    a', "'it''s'", '"\\ud800"', '"\\x"', '8 MB'];
const TAGGED = ['&a [*a]', '&a 1', '!!binary aGk=', '!!set {a}', '!!js/function "x"', '"1    x"', '1.5 GiB'];
const ATTACKS = ['{__proto__: {polluted: 1}}', '-----BEGIN KEY-----', '9'.repeat(400), 'a'.repeat(200), ''];
const VALUES = [...NUMBERS, ...WORDS, ...NODES, ...TEXTS, ...TAGGED, ...ATTACKS];

const SIGNS = '# { } [ ] , ! | > \' " *a'.split(' ');
const SPACES = ['\t', '\n', '\n  ', '\r', '\0', '\ufeff', '\u2028'];
const STARTS = [': ', '- ', '? ', '? [a]\n', '&a ', '---\n', '...\n', '%YAML 1.1\n---\n'];
const SOURCES = [ENVIRONMENT, CODE, 'SIMPLEMQ_PORT=1\n', '{"port": 1}'];
const NO_UTF8 = ['ff', 'c3', 'eda080', 'fffe'].map((hex) => Buffer.from(hex, 'hex'));

export const PIECES: readonly Buffer[] = [
  ...[...VALUES, ...ODD_KEYS, ...SIGNS, ...SPACES, ...STARTS, ...SOURCES].map((text) => Buffer.from(text)),
  ...NO_UTF8,
];

export const SEEDS: readonly Buffer[] = [
  'port: 9090\nhost: localhost\nlimits:\n  maxMessageBytes: 8MiB\n  maxStreams: 5\n',
  `port: 1\n${ENVIRONMENT}SIMPLEMQ_HEARTBEAT_MS=10\nSIMPLEMQ_STORAGE_PATH=there${CODE}{"logs": {"level": "warn"}}`,
  `# all\n${SETTING_KEYS.map((key) => `${key}: 1`).join('\n')}\n`,
  'tls: {cert: a, key: b, ca: c, clientCertificates: require}\nstorage:\n  path: ":memory:"\n  maxBytes: 1 GiB\n',
  'limits: &l {maxStreams: 1}\nstorage: *l\nhost: &a [*a]\nport: *nope\n',
  ENVIRONMENT + SETTING_KEYS.map((key) => `${variableOf(key)}=1`).join('\n'),
  `${CODE}{"port": [1], "host": {"a": {}}, "limits": {"maxStreams": "x", "__proto__": {"polluted": 1}}}`,
].map((text) => Buffer.from(text));

/** Settings with values that are right, wrong and odd, and now and then a variable too. */
export function generate(random: Random): string {
  const lines: string[] = [];
  for (let left = 1 + random.below(6); left > 0; left--) {
    const key = random.below(5) === 0 ? random.pick(ODD_KEYS) : random.pick(KEYS);
    if (random.below(4) > 0) lines.push(`${key}: ${random.pick(VALUES)}`);
    else lines.push(`${key}:\n  ${random.pick(KEYS)}: ${random.pick(VALUES)}`);
  }
  const variable = `${variableOf(random.pick(SETTING_KEYS))}=${random.pick(VALUES)}`;
  return lines.join('\n') + (random.below(4) === 0 ? ENVIRONMENT + variable : '');
}
