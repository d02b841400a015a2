import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import type { Size } from './bench.ts';
import type { Peer } from './peer.ts';
import { PEERS } from './peers.ts';
import { SCENARIOS } from './scenarios/index.ts';
import type { Scenario } from './scenarios/scenario.ts';

const HELP = `Measures SimpleMQ beside its peers, one after the other in rounds, each on a fresh server that it starts itself on
a free port of the loopback interface. Peers that are not installed are named and left out:

  apt-get install redis-server nats-server rabbitmq-server beanstalkd

  npm run bench:peers -- [options]

  --only A,B       scenarios or the beginnings of their names:
                   ${wrapped(SCENARIOS.map(({ id }) => id))}
  --peers A,B      peers or the beginnings of their names:
                   ${wrapped(PEERS.map(({ id }) => id))}
  --rounds N       rounds; medians are shown                          (default 3)
  --messages N     messages of a throughput scenario with 128 bytes;
                   the other scenarios take a share of it             (default 500000)
  --seconds N      how long each rate of a latency scenario lasts     (default 10)
  --streams N      streams of regex-publish; regex-follow has a tenth (default 10000)
  --folder FOLDER  where the servers keep their files; on a real disk (default ${tmpdir()})
  --out FOLDER     write peers.md, peers.json and peers.svg there
  --json FILE      write all figures as JSON
  --help

  npm run bench:peers -- --only publish,awaited --peers simplemq,redis --messages 20000 --rounds 1
`;

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly size: Size;
  readonly folder: string;
  readonly out?: string;
  readonly json?: string;
}

/** @returns undefined when only help was wanted */
export function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      peers: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      messages: { type: 'string', default: '500000' },
      seconds: { type: 'string', default: '10' },
      streams: { type: 'string', default: '10000' },
      folder: { type: 'string', default: tmpdir() },
      out: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  return {
    scenarios: chosen('only', SCENARIOS, values.only),
    peers: chosen('peers', PEERS, values.peers),
    rounds: count('rounds', values.rounds, 1),
    size: {
      messages: count('messages', values.messages, 1_000),
      seconds: count('seconds', values.seconds, 1),
      streams: count('streams', values.streams, 20),
    },
    folder: values.folder,
    ...(values.out !== undefined && { out: values.out }),
    ...(values.json !== undefined && { json: values.json }),
  };
}

function chosen<T extends { readonly id: string }>(
  option: string,
  all: readonly T[],
  list?: string,
): readonly T[] {
  const wanted = list?.split(',');
  const unknown = wanted?.find((name) => !all.some(({ id }) => id.startsWith(name)));
  if (unknown !== undefined) {
    fail(`--${option} takes names of ${all.map(({ id }) => id).join(', ')}, not '${unknown}'`);
  }
  return all.filter(({ id }) => wanted?.some((name) => id.startsWith(name)) ?? true);
}

function count(option: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least) return number;
  return fail(`--${option} takes a whole number from ${least} on, not '${text}'`);
}

function fail(message: string): never {
  process.stderr.write(`bench:peers: ${message}\n`);
  process.exit(1);
}

/** Names in lines of at most some 90 characters. */
function wrapped(names: readonly string[]): string {
  const lines = [''];
  for (const name of names) {
    const last = lines.at(-1)!;
    if (last.length + name.length > 90) lines.push(name);
    else lines[lines.length - 1] = last === '' ? name : `${last}, ${name}`;
  }
  return lines.join(',\n                   ');
}
