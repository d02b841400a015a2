import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SpawnedBroker, spawnBroker } from '@simplemq/testkit';
import type { LoadCase } from './load-case.ts';
import type { Facts } from './role.ts';
import { RoleProcess } from './role-process.ts';

export interface RunOptions {
  /** That a bystander is looked at, before, during and after the load. */
  readonly seconds: number;
  /** `limits.maxUnconfirmedBytesTotal` of the broker, if not the default. */
  readonly intake?: string | undefined;
  readonly onPhase?: (phase: string) => void;
}

export interface CaseReport {
  readonly load: LoadCase;
  /** Of all roles together. */
  readonly facts: Facts;
  readonly alone: Facts;
  readonly during: Facts;
  readonly after: Facts;
  /** The most of the broker's resident memory while there was a load. */
  readonly residentMib: number;
  /** What is wrong besides latencies. */
  readonly problems: readonly string[];
}

const LOOK_MS = 50;
/** More than any case has, for the bystander. */
const CONNECTIONS_MAX = 11_000;

/** Puts a load on a broker of its own, and looks at its memory and at somebody else on it, who must notice nothing. */
export async function runCase(load: LoadCase, options: RunOptions): Promise<CaseReport> {
  const { seconds, intake, onPhase = () => {} } = options;
  await using broker = await spawnBroker({
    logs: { level: 'error' },
    limits: {
      maxConnections: CONNECTIONS_MAX,
      ...(intake !== undefined && { maxUnconfirmedBytesTotal: intake }),
    },
  });
  onPhase('alone');
  const alone = await bystand(broker, seconds);
  onPhase('load begins');
  using resident = watchResident(broker);
  await using roles = new AsyncDisposableStack();
  const running: RoleProcess[] = [];
  for (const { role, orders } of load.roles) {
    running.push(roles.use(await RoleProcess.start(role, { ...orders, port: broker.port })));
  }
  onPhase('under load');
  const during = await bystand(broker, seconds);
  onPhase('load ends');
  const facts = sumOf(await Promise.all(running.map((role) => role.stop())));
  const residentMib = Math.round(resident.stop() / 2 ** 20);
  onPhase('after');
  const after = await bystand(broker, seconds);
  return { load, facts, alone, during, after, residentMib, problems: problemsOf(load, facts, residentMib) };
}

function problemsOf(load: LoadCase, facts: Facts, residentMib: number): string[] {
  const { residentMibMax, vacuous } = load;
  const problems: string[] = [];
  if (residentMib > residentMibMax)
    problems.push(`the broker took ${residentMib} MiB, more than ${Math.round(residentMibMax)}`);
  if ((facts.lost ?? 0) > 0) problems.push(`${facts.lost} connections were lost`);
  if ((facts.failed ?? 0) > 0) problems.push(`${facts.failed} connects failed`);
  const isVacuous = vacuous(facts);
  if (isVacuous !== undefined) problems.push(`it was no load: ${isVacuous}`);
  return problems;
}

async function bystand(broker: SpawnedBroker, seconds: number): Promise<Facts> {
  await using bystander = await RoleProcess.start('bystander', { port: broker.port });
  await sleep(seconds * 1_000);
  return await bystander.stop();
}

/** Linux only. */
function watchResident({ pid }: SpawnedBroker): Disposable & { stop: () => number } {
  let most = 0;
  const timer = setInterval(async () => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const kilobytes = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
    most = Math.max(most, kilobytes * 1_024);
  }, LOOK_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function sumOf(all: readonly Facts[]): Facts {
  const sum: Record<string, number> = {};
  for (const facts of all)
    for (const [name, value] of Object.entries(facts)) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}
