import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { undoOnInterrupt } from '../interrupt.ts';
import { TemporaryFolder } from '../temporary-folder.ts';
import { type DiskFigures, measureDisk } from './disk.ts';
import { isInMemory } from './folder.ts';
import { measure } from './measure.ts';
import { type Options, readOptions } from './options.ts';
import type { Peer } from './peer.ts';
import { chart } from './report/chart.ts';
import { markdown } from './report/markdown.ts';
import type { PeerInfo, Report, Result } from './results.ts';

const options = readOptions();
if (options !== undefined) {
  undoOnInterrupt();
  await main(options);
}

async function main(wanted: Options): Promise<void> {
  if (await isInMemory(wanted.folder)) {
    process.stderr.write(
      `${wanted.folder} is in memory, where an fsync costs nothing: the figures say nothing about disks. ` +
        'Give a folder on a disk with --folder.\n',
    );
  }
  const { found, missing } = await findPeers(wanted.peers);
  const disk: DiskFigures[] = [];
  for (let round = 1; round <= wanted.rounds; round++) disk.push(await diskOnce(wanted.folder));
  const results: Result[] = [];
  const plan = { ...wanted, peers: found.map(({ peer }) => peer) };
  for (const scenario of wanted.scenarios) {
    results.push(...(await measure(scenario, plan)));
  }
  await write(wanted, {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    command: `npm run bench:peers -- ${process.argv.slice(2).join(' ')}`.replace(/ -- $/, ''),
    rounds: wanted.rounds,
    ...wanted.size,
    disk,
    peers: found.map(({ info }) => info),
    missing,
    scenarios: wanted.scenarios.map(({ id, title, unit, about }) => ({ id, title, unit, about })),
    results,
  });
}

interface FoundPeer {
  readonly peer: Peer;
  readonly info: PeerInfo;
}

async function findPeers(
  peers: readonly Peer[],
): Promise<{ found: FoundPeer[]; missing: { peer: string; why: string }[] }> {
  const found: FoundPeer[] = [];
  const missing: { peer: string; why: string }[] = [];
  for (const peer of peers) {
    const outcome = await peer.find();
    if ('missing' in outcome) {
      process.stderr.write(`not measured: ${peer.name}: ${outcome.missing}\n`);
      missing.push({ peer: peer.name, why: outcome.missing });
      continue;
    }
    const { id, name, durability, confirm, lacks = {}, notes = {} } = peer;
    found.push({ peer, info: { id, name, version: outcome.version, durability, confirm, lacks, notes } });
  }
  return { found, missing };
}

async function diskOnce(parent: string): Promise<DiskFigures> {
  await using folder = await TemporaryFolder.create('disk', parent);
  return await measureDisk(folder.path);
}

function machine(): string {
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  const [cpu] = cpus();
  return `${cpus().length} x ${cpu?.model ?? 'unknown'}, ${memoryGb} GB, Linux ${release()}, Node.js ${process.version}`;
}

async function write({ out, json }: Options, report: Report): Promise<void> {
  const figures = `${JSON.stringify(report, null, 2)}\n`;
  process.stdout.write(`\n${markdown(report)}`);
  if (json !== undefined) await writeFile(json, figures);
  if (out === undefined) return;
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'peers.md'), markdown(report, 'peers.svg'));
  await writeFile(join(out, 'peers.json'), figures);
  await writeFile(join(out, 'peers.svg'), chart(report));
}
