import { UserEditor } from '@simplemq/server';
import { temporaryFolder } from '@simplemq/testkit';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { AuditLog } from '../../src/logs/audit-log.ts';
import { Logins, type LoginsOptions } from '../../src/users/logins.ts';
import { Users } from '../../src/users/users.ts';

const PASSWORD = 'correct horse';
const always = () => true;

interface Desk extends AsyncDisposable {
  readonly editor: UserEditor;
  readonly users: Users;
  readonly lines: string[];
  /** What the back-off takes for the time. */
  nowMs: number;
  check(user: string, password: string, address?: string): Promise<string>;
}

/** Takes no time: for tests of what comes before and after it. */
const atOnce: LoginsOptions = {
  isPassword: async (password, record) => record !== undefined && password === PASSWORD,
};

/** Logins over the users of a folder, in which ann has a password. */
async function openDesk(options: LoginsOptions = {}): Promise<Desk> {
  const folder = await temporaryFolder();
  const editor = new UserEditor(folder.path);
  await editor.add('ann', PASSWORD);
  const users = await Users.open(editor.file);
  const lines: string[] = [];
  const audit = new AuditLog(pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }));
  const logins = new Logins(users, audit, { clock: () => desk.nowMs, ...options });
  const desk: Desk = {
    editor,
    users,
    lines,
    nowMs: 0,
    check: async (user, password, address = '192.0.2.1') => {
      const login = await logins.check({ user, password, address }, always);
      return `${login.user.name} by ${login.token?.name ?? 'password'}`;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
  return desk;
}

test('the right password comes in; a wrong one, and a user who is none, get the same answer', async () => {
  await using desk = await openDesk();
  expect(await desk.check('ann', PASSWORD)).toBe('ann by password');
  const answers = await Promise.all(
    [
      ['ann', 'wrong horse'],
      ['bob', PASSWORD],
      ['ann', ''],
      ['ann', 'x'.repeat(5_000)],
      ['ann', 'smq_nothing'],
      ['__proto__', PASSWORD],
    ].map(([user = '', password = '']) =>
      desk.check(user, password).catch(({ code, message }) => `${code}: ${message}`),
    ),
  );
  expect(new Set(answers)).toEqual(
    new Set(['Unauthenticated: the user, or the password or token, is wrong']),
  );
});

test('a user who is none costs as much as a wrong password', async () => {
  await using desk = await openDesk();
  // The time of the processor and not of the clock: the machine may be busy.
  const costOf = async (user: string) => {
    const before = process.cpuUsage();
    await desk.check(user, 'wrong horse').catch(() => undefined);
    const { user: own, system } = process.cpuUsage(before);
    return own + system;
  };
  await costOf('ann');
  const ratio = (await costOf('nobody')) / (await costOf('ann'));
  expect(ratio).toBeGreaterThan(0.3);
  expect(ratio).toBeLessThan(3);
});

test('a token comes in until its end, or until it is removed, and only as its user', async () => {
  await using desk = await openDesk();
  await desk.editor.add('bob');
  const token = await desk.editor.addToken('bob', 'ci', new Date(Date.now() + 60_000));
  const past = await desk.editor.addToken('bob', 'old', new Date(Date.now() - 1));
  await desk.users.reload();
  expect(await desk.check('bob', token)).toBe('bob by ci');
  for (const [user, password] of [
    ['ann', token],
    ['bob', past],
    ['bob', `${token}x`],
  ] as const) {
    await expect(desk.check(user, password)).rejects.toMatchObject({ code: 'Unauthenticated' });
  }
  await desk.editor.removeToken('bob', 'ci');
  await desk.users.reload();
  await expect(desk.check('bob', token)).rejects.toMatchObject({ code: 'Unauthenticated' });
});

test('after a password was changed the old one does not come in, though it was right before', async () => {
  await using desk = await openDesk();
  await desk.check('ann', PASSWORD);
  await desk.editor.setPassword('ann', 'battery staple');
  await desk.users.reload();
  await expect(desk.check('ann', PASSWORD)).rejects.toMatchObject({ code: 'Unauthenticated' });
  expect(await desk.check('ann', 'battery staple')).toBe('ann by password');
});

test('a thousand clients that come back with a password that was right need no thousand hashes', async () => {
  await using desk = await openDesk();
  await desk.check('ann', PASSWORD);
  const all = await Promise.all(Array.from({ length: 1_000 }, () => desk.check('ann', PASSWORD)));
  expect(new Set(all)).toEqual(new Set(['ann by password']));
});

test('past a number of logins that wait, further ones are told to try again, and those that wait are served', async () => {
  await using desk = await openDesk();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) => desk.check('ann', PASSWORD, `192.0.2.${index}`)),
  );
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThan(40);
  for (const error of refused) {
    expect(error).toMatchObject({ code: 'TooManyLogins', details: { retryAfterMs: expect.any(Number) } });
  }
});

test('who fails too often has to wait, though with the right password; one that was right before need not', async () => {
  await using desk = await openDesk(atOnce);
  await desk.editor.add('bob', PASSWORD);
  await desk.users.reload();
  await desk.check('bob', PASSWORD);
  for (const user of ['ann', 'bob']) {
    for (let i = 0; i < 6; i++) await desk.check(user, `wrong ${i}`).catch(() => undefined);
  }
  await expect(desk.check('ann', PASSWORD)).rejects.toMatchObject({
    code: 'TooManyLogins',
    message: expect.stringContaining('try again in'),
  });
  expect(await desk.check('bob', PASSWORD)).toBe('bob by password');
  desk.nowMs += 500;
  expect(await desk.check('ann', PASSWORD)).toBe('ann by password');
});

test('an address that fails too often has to wait, whoever it says it is, and others need not', async () => {
  await using desk = await openDesk(atOnce);
  for (let i = 0; i < 21; i++) await desk.check(`user${i}`, 'wrong').catch(() => undefined);
  await expect(desk.check('ann', PASSWORD)).rejects.toMatchObject({ code: 'TooManyLogins' });
  expect(await desk.check('ann', PASSWORD, '192.0.2.2')).toBe('ann by password');
});

test('logins that are refused unchecked are one line, and then their number', async () => {
  await using desk = await openDesk(atOnce);
  for (let i = 0; i < 21; i++) await desk.check(`user${i}`, 'wrong').catch(() => undefined);
  for (let i = 0; i < 100; i++) await desk.check(`other${i}`, 'wrong').catch(() => undefined);
  const refused = desk.lines.filter((line) => line.includes('login.refused'));
  expect(JSON.parse(refused[0] ?? '{}')).toMatchObject({ user: 'other0', reason: 'too many failures' });
  // One more, with their number, for each five seconds that this took.
  expect(refused.length).toBeLessThan(5);
});

test('the log says who failed, and from where, and never what was tried', async () => {
  await using desk = await openDesk();
  await desk.check('ann', 'wrong horse').catch(() => undefined);
  const line = JSON.parse(desk.lines[0] ?? '{}');
  expect(line).toMatchObject({ event: 'login.failed', user: 'ann', address: '192.0.2.1' });
  expect(desk.lines.join()).not.toContain('wrong horse');
});
