import { Connection, type GroupSummary } from '@simplemq/client';
import { startTestBroker } from '@simplemq/testkit';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Program } from './program.ts';

// Each runs several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 });

let stack: AsyncDisposableStack;
let url: string;
let connection: Connection;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const broker = stack.use(await startTestBroker());
  url = `simplemq://localhost:${broker.port}`;
  connection = stack.use(new Connection(url));
});

afterEach(() => stack.disposeAsync());

function run(example: string, ...args: string[]): Program {
  return stack.use(new Program(`examples/${example}.ts`, args, { SIMPLEMQ_URL: url }));
}

test('hello-world: the publisher ends by itself, and the follower prints what it sent', async () => {
  const follower = run('hello-world/follower');
  const publisher = run('hello-world/publisher');
  expect(await publisher.ended).toEqual({ code: 0, signal: null });
  expect(publisher.lines).toEqual(['hello_queue has it as message 1 (fsync)']);
  await follower.printed('hello world');
  expect(follower.lines).toEqual(['hello world']);
});

test('worker: a slow worker holds one message, and the quick one handles the other 999', async () => {
  const slow = run('worker/slow-worker', '100');
  const quick = run('worker/quick-worker');
  await groupOf('jobs', (group) => group.followers === 2);
  const publisher = run('worker/publisher');
  expect((await publisher.ended).code).toBe(0);
  expect(publisher.lines).toEqual(['published 1000 jobs']);

  await slow.printed(/^job \d+ begun, it takes 100 s$/);
  await quick.printed(/ 999 in all$/);
  const { lag, pending } = await groupOf('jobs', (group) => group.pending === 1);
  expect({ lag, pending }).toEqual({ lag: 0, pending: 1 });
  expect(quick.lines).toHaveLength(999);
  expect(slow.lines).toHaveLength(1);
});

test('routing-publisher: one message reaches both followers', async () => {
  const hello = run('routing-publisher/follower', 'hello_world');
  const bye = run('routing-publisher/follower', 'bye_world');
  await groupOf('hello_world', (group) => group.followers === 1);
  await groupOf('bye_world', (group) => group.followers === 1);
  const publisher = run('routing-publisher/publisher');
  expect((await publisher.ended).code).toBe(0);
  expect(publisher.output).toMatch(/^sent to (hello_world and bye_world|bye_world and hello_world)$/);
  await hello.printed('hello_world: good news');
  await bye.printed('bye_world: good news');
});

test('routing-publisher: with no stream to match the publisher fails, naming the pattern', async () => {
  const publisher = run('routing-publisher/publisher');
  expect((await publisher.ended).code).toBe(1);
  expect(publisher.errors).toContain('NoMatchingStream');
  expect(publisher.errors).toContain('.+_world');
});

test('routing-follower: two publishers reach it, and so does a stream created while it runs', async () => {
  const follower = run('routing-follower/follower');
  run('routing-follower/publisher', 'hello_world');
  run('routing-follower/publisher', 'bye_world');
  await follower.printed('hello_world: news from hello_world');
  await follower.printed('bye_world: news from bye_world');

  const late = run('routing-follower/publisher', 'brave_new_world');
  expect((await late.ended).code).toBe(0);
  await follower.printed('brave_new_world: news from brave_new_world');
  expect(follower.lines).toHaveLength(3);
});

test('embedded: a broker and its client in one process print what was sent and end by themselves', async () => {
  const program = run('embedded/main');
  expect(await program.ended).toEqual({ code: 0, signal: null });
  expect(program.lines).toEqual(['1: one', '2: two', '3: three']);
  expect(program.errors).toBe('');
});

/** Asks, answer after answer, until the stream's group is as wanted. */
async function groupOf(stream: string, wanted: (group: GroupSummary) => boolean): Promise<GroupSummary> {
  const cursor = connection.cursor();
  await cursor.createStream(stream);
  for (;;) {
    const [group] = (await cursor.streamInfo(stream)).groups;
    if (group !== undefined && wanted(group)) return group;
  }
}
