import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { undoOnInterrupt } from '../interrupt.ts';
import { type DiskFigures, measureDisk } from '../peers/disk.ts';
import { isInMemory } from '../peers/folder.ts';
import { TemporaryFolder } from '../temporary-folder.ts';
import { LIMITS } from './limits.ts';
import { measure } from './measure.ts';
import { type Options, readOptions } from './options.ts';
import { chart } from './report/chart.ts';
import { markdown } from './report/markdown.ts';
import type { MeasuredCurve, Report } from './results.ts';

const options = readOptions();
if (options !== undefined) {
  undoOnInterrupt();
  await main(options);
}

async function main({ curves, rounds, folder, out }: Options): Promise<void> {
  if (await isInMemory(folder)) {
    process.stderr.write(
      `${folder} is in memory, where an fsync costs nothing: the figures say nothing about disks. ` +
        'Give a folder on a disk with --folder.\n',
    );
  }
  const disk = await diskAlone(folder);
  const measured: MeasuredCurve[] = [];
  for (const curve of curves) measured.push(await measure(curve, rounds, folder));
  const report: Report = {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    command: `npm run bench:growth -- ${process.argv.slice(2).join(' ')}`.replace(/ -- $/, ''),
    rounds,
    limits: LIMITS,
    disk,
    curves: measured,
  };
  process.stdout.write(`\n${markdown(report)}`);
  if (out !== undefined) await write(out, report);
}

async function diskAlone(parent: string): Promise<DiskFigures> {
  await using folder = await TemporaryFolder.create('disk', parent);
  return await measureDisk(folder.path);
}

function machine(): string {
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model ?? 'unknown'}, ${memoryGb} GB, Linux ${release()}, Node.js ${process.version}`;
}

async function write(out: string, report: Report): Promise<void> {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'growth.md'), markdown(report, 'growth.svg'));
  await writeFile(join(out, 'growth.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(join(out, 'growth.svg'), chart(report));
}
