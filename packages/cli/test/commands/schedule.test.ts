import { Connection } from '@simplemq/client';
import { startTestBroker, type TestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, type Outcome, simplemq } from '../simplemq.ts';

let broker: TestBroker;
let connection: Connection;

beforeEach(async () => {
  broker = await startTestBroker();
  connection = new Connection({ port: broker.port });
  await connection.cursor().createStream('jobs');
});

afterEach(async () => {
  await connection.close();
  await broker[Symbol.asyncDispose]();
});

function run(...args: string[]): Promise<Outcome> {
  return simplemq(['schedule', ...args, '--port', String(broker.port)]);
}

const YEARLY = ['--stream', 'jobs', '--cron', '30 3 1 1 *'];

test('save makes a schedule, and the list shows when it publishes', async () => {
  const none = "no schedules yet; 'simplemq schedule save' makes one\n";
  expect(await simplemq(['schedule', '--port', String(broker.port)])).toMatchObject({
    code: 0,
    stdout: none,
  });
  const saved = await run('save', 'yearly', ...YEARLY, '--timezone', 'Europe/Berlin', 'clean up');
  expect(saved.code).toBe(0);
  expect(saved.stdout).toMatch(/^saved yearly; next \d{4}-01-01T02:30:00\.000Z \(in .+\)\n$/);
  await run('save', 'daily', '--stream', 'jobs', '--cron', '0 4 * * *', 'x');
  const [head, daily, yearly] = (await run('list')).stdout.split('\n');
  expect(head).toMatch(/^SCHEDULE +STREAM +CRON +TIME ZONE +LAST +NEXT$/);
  expect(daily).toMatch(/^daily +jobs +0 4 \* \* \* +UTC +never +in \d.*$/);
  expect(yearly).toMatch(/^yearly +jobs +30 3 1 1 \* +Europe\/Berlin +never +in \d+ .*$/);
  expect(JSON.parse((await run('list', '--json')).stdout)).toMatchObject([
    { name: 'daily' },
    { name: 'yearly', stream: 'jobs', cron: '30 3 1 1 *', timezone: 'Europe/Berlin', paused: false },
  ]);
});

test('a schedule publishes its message, with its headers, key and priority', async () => {
  const message = [
    '--json-body',
    '{"kind":"beat"}',
    '--header',
    'from=cron',
    '--key',
    'k1',
    '--priority',
    'high',
  ];
  await run('save', 'beat', '--stream', 'jobs', '--cron', '* * * * * *', ...message);
  await eventually(async () => expect(await connection.cursor().read('jobs')).not.toEqual([]));
  const read = await simplemq(['read', 'jobs', '--limit', '1', '--json', '--port', String(broker.port)]);
  expect(JSON.parse(read.stdout)).toMatchObject({
    body: { kind: 'beat' },
    headers: { from: 'cron' },
    key: 'k1',
    priority: 'high',
  });
  expect((await run('list')).stdout).toMatch(/\nbeat +jobs +.* ago +in \d/);
});

test('pause, resume and delete tell what they did', async () => {
  await run('save', 'yearly', ...YEARLY, 'x');
  expect(await run('pause', 'yearly')).toMatchObject({ code: 0, stdout: 'paused yearly\n' });
  expect((await run('list')).stdout).toMatch(/\nyearly .* never +paused\n$/);
  expect((await run('resume', 'yearly')).stdout).toMatch(/^resumed yearly; next \S+Z \(in .+\)\n$/);
  expect(JSON.parse((await run('pause', 'yearly', '--json')).stdout)).toMatchObject({ paused: true });
  expect(await run('delete', 'yearly')).toMatchObject({ code: 0, stdout: 'deleted yearly\n' });
  expect((await run('list', '--json')).stdout).toBe('[]\n');
});

test.each(['pause', 'resume', 'delete'])(
  '%s of a schedule that is not there is one line',
  async (command) => {
    const { code, stdout, stderr } = await run(command, 'nothing');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^simplemq: ScheduleNotFound: .*'nothing'.*\n$/);
  },
);

test.each([
  [['save', 'x', '--stream', 'jobs', 'body'], /required option '--cron <fields>' not specified/],
  [['save', 'x', ...YEARLY], /missing required argument 'body'/],
  [['save', 'x', '--stream', 'jobs', '--cron', '99 * * * *', 'body'], /InvalidOption: .*99/],
  [['save', 'x', ...YEARLY, '--timezone', 'Mars/Olympus', 'body'], /InvalidOption: .*Mars\/Olympus/],
  [['save', 'x', '--stream', 'none', '--cron', '* * * * *', 'body'], /StreamNotFound: .*none/],
  [['save', 'x/../y', ...YEARLY, 'body'], /InvalidName: /],
  [['save', 'x', ...YEARLY, '--json-body', '{oops'], /the body is not JSON: /],
  [
    ['save', 'x', ...YEARLY, '--priority', 'urgent', 'body'],
    /Allowed choices are low, normal, high, critical/,
  ],
])('schedule %j is one line', async (args, expected) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^simplemq: .*\n$/);
  expect(stderr).toMatch(expected);
});
