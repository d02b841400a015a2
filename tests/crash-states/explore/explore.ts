import { fork } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Counts, Found } from './explorer.ts';

const MAIN = new URL('./explore-main.ts', import.meta.url);
/** A file system in memory: what is laid out there costs no disk. */
const MEMORY = '/dev/shm';
/** Seeds of processes that look at one log. */
const SEED_STEP = 7_919;

export interface ExploreRequest {
  /** What the brokers were written down with, and what opens the states: the sources. */
  readonly source: string;
  readonly library: string;
  readonly log: string;
  readonly seed: number;
  readonly states: number;
  readonly processes: number;
  readonly recoveryEvery: number;
  readonly foundMax: number;
  readonly keep?: string | undefined;
  readonly onProgress?: ((counts: Counts) => void) | undefined;
}

export type ExploreOrder = Omit<ExploreRequest, 'processes' | 'onProgress'> & { readonly folder: string };

export interface ExploreReport {
  readonly counts: Counts;
  readonly found: readonly Found[];
  readonly isDone: boolean;
}

export type Explored = Omit<ExploreReport, 'isDone'>;

/** Looks at states of a log in several processes. */
export async function explore({ processes, onProgress, ...request }: ExploreRequest): Promise<Explored> {
  const reports = Array.from({ length: processes }, (): Explored => ({ counts: noCounts(), found: [] }));
  const work = reports.map(async (_, index) => {
    const folder = mkdtempSync(join(temporary(), 'simplemq-states-'));
    try {
      await run({
        order: {
          ...request,
          folder,
          seed: request.seed + index * SEED_STEP,
          states: Math.ceil(request.states / processes),
        },
        onReport: (report) => {
          reports[index] = report;
          onProgress?.(sum(reports));
        },
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  await Promise.all(work);
  return { counts: sum(reports), found: reports.flatMap(({ found }) => found) };
}

async function run(options: {
  order: ExploreOrder;
  onReport: (report: ExploreReport) => void;
}): Promise<void> {
  const child = fork(MAIN, [JSON.stringify(options.order)], {
    execArgv: ['--conditions=@simplemq/source'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  let isDone = false;
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.on('message', (report: ExploreReport) => {
    isDone ||= report.isDone;
    options.onReport(report);
  });
  await once(child, 'close');
  if (!isDone) throw new Error(`the process that looks at states ended early: ${errors}`);
}

function temporary(): string {
  try {
    accessSync(MEMORY, constants.W_OK);
    return MEMORY;
  } catch {
    return tmpdir();
  }
}

function noCounts(): Counts {
  return { states: 0, recovering: 0, repeated: 0, moments: 0 };
}

function sum(reports: readonly Explored[]): Counts {
  const total = noCounts();
  for (const { counts } of reports) {
    for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += counts[key];
  }
  return total;
}
