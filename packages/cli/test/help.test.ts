import { describe, expect, test } from 'vitest';
import { simplemq } from './simplemq.ts';

const COMMANDS = [
  'serve',
  'settings',
  'user list',
  'user add',
  'user password',
  'user grant',
  'user revoke',
  'user token',
  'user remove',
  'health',
  'reload',
  'backup',
  'restore',
  'streams',
  'info',
  'create',
  'update',
  'purge',
  'delete',
  'publish',
  'follow',
  'read',
  'delayed list',
  'delayed cancel',
  'schedule list',
  'schedule save',
  'schedule pause',
  'schedule resume',
  'schedule delete',
  'groups list',
  'groups info',
  'groups create',
  'groups update',
  'groups reset',
  'groups delete',
  'pending',
  'dead list',
  'dead show',
  'dead delete',
  'redrive',
];
const PARENTS = ['user', 'delayed', 'schedule', 'groups', 'dead'];

test('without arguments the help is shown, with every command', async () => {
  const outcome = await simplemq([]);
  expect(outcome).toMatchObject({ code: 0, stderr: '' });
  const names = new Set(COMMANDS.map((command) => command.split(' ')[0]));
  for (const name of names) expect(outcome.stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
});

/** A list is what a command with subcommands does without one. */
function mayOmitList(command: string): string {
  return command.replace(/ list$/, '( list)?');
}

describe.concurrent.each(COMMANDS)('simplemq %s --help', (command) => {
  test('says what it does, with an example and --json', async () => {
    const { code, stdout, stderr } = await simplemq([...command.split(' '), '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Examples?:\\n  \\$ .*simplemq ${mayOmitList(command)}\\b`, 'm'));
    expect(stdout).toMatch(/^ {2}--json /m);
    // The users are in a folder: these commands speak to no broker.
    if (command.startsWith('user ')) {
      expect(stdout).toMatch(/^ {2}--data <folder> /m);
      return;
    }
    if (command === 'restore') return;
    expect(stdout).toMatch(/^ {2}--host <host> /m);
    expect(stdout).toMatch(/^ {2}--port <port> /m);
    const speaksToBroker = command !== 'serve' && command !== 'settings';
    expect(/^ {2}--user <name> /m.test(stdout)).toBe(speaksToBroker);
  });
});

test.each(PARENTS)('simplemq %s --help lists its commands, with an example', async (parent) => {
  const { code, stdout } = await simplemq([parent, '--help']);
  expect(code).toBe(0);
  for (const command of COMMANDS.filter((name) => name.startsWith(`${parent} `))) {
    expect(stdout).toMatch(new RegExp(`^  ${command.slice(parent.length + 1)}\\b`, 'm'));
  }
  expect(stdout).toMatch(new RegExp(`^Examples?:\\n  \\$ simplemq ${parent}\\b`, 'm'));
});

test.each([
  [['strems'], "simplemq: unknown command 'strems'; did you mean streams? (see 'simplemq --help')\n"],
  [
    ['info', 'a', '--prot', '1'],
    "simplemq: unknown option '--prot'; did you mean --port? (see 'simplemq info --help')\n",
  ],
  [['create'], "simplemq: missing required argument 'stream' (see 'simplemq create --help')\n"],
  [['groups'], "simplemq: missing required argument 'stream' (see 'simplemq groups list --help')\n"],
  [
    ['groups', 'info', 'orders'],
    "simplemq: missing required argument 'group' (see 'simplemq groups info --help')\n",
  ],
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
