import { describe, expect, test } from 'vitest';
import { simplemq } from './simplemq.ts';

const COMMANDS = [
  'serve',
  'settings',
  'streams',
  'create',
  'delete',
  'purge',
  'info',
  'publish',
  'follow',
  'pending',
];

test('without arguments the help is shown, with every command', async () => {
  const outcome = await simplemq([]);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  for (const command of COMMANDS) expect(outcome.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
});

describe.concurrent.each(COMMANDS)('simplemq %s --help', (command) => {
  test('says what it does, with an example and --json', async () => {
    const { code, stdout, stderr } = await simplemq([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Examples?:\\n  \\$ .*simplemq ${command}\\b`, 'm'));
    expect(stdout).toMatch(/^ {2}--json /m);
    expect(stdout).toMatch(/^ {2}--host <host> /m);
    expect(stdout).toMatch(/^ {2}--port <port> /m);
    const speaksToBroker = command !== 'serve' && command !== 'settings';
    expect(/^ {2}--user <name> /m.test(stdout)).toBe(speaksToBroker);
  });
});

test.each([
  [['strems'], "simplemq: unknown command 'strems'; did you mean streams? (see 'simplemq --help')\n"],
  [
    ['info', 'a', '--prot', '1'],
    "simplemq: unknown option '--prot'; did you mean --port? (see 'simplemq info --help')\n",
  ],
  [['create'], "simplemq: missing required argument 'stream' (see 'simplemq create --help')\n"],
  [['--nothing'], "simplemq: unknown option '--nothing' (see 'simplemq --help')\n"],
  [['publish'], 'simplemq: name a stream, or give --regex <pattern>\n'],
  [['follow', 'a', '--regex', 'b'], 'simplemq: name a stream or give --regex, not both\n'],
])('%j is one line on standard error with a hint, and exit code 1', async (args, line) => {
  expect(await simplemq(args)).toMatchObject({ code: 1, stdout: '', stderr: line });
});

test.each(['0', '65536', '1e3'])('--port %s is refused with the range', async (port) => {
  const { code, stderr } = await simplemq(['streams', `--port=${port}`]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^simplemq: option '--port <port>' .* a whole number from 1 to 65535.*\n$/);
});
