import { spawnBroker } from '@simplemq/testkit';
import {
  COMMANDS,
  payloadOf,
  sampleFrames,
} from '../../../packages/protocol/test/commands/command-codecs.ts';
import { mutate } from '../mutate.ts';
import { Random } from '../random.ts';
import { residentMb } from '../resident.ts';
import { Attacker, frameOf } from './attacker.ts';
import { Bystander } from './bystander.ts';

export interface LiveFuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  readonly onProgress?: (inputs: number, residentMb: number) => void;
}

export interface LiveFuzzReport {
  readonly inputs: number;
  /** Connections that the broker closed for what came. */
  readonly closed: number;
  /** What another client published, got with the right body and acked meanwhile. */
  readonly bystanderMessages: number;
  /** Resident memory of the broker after a quarter, and at the end, in MB. */
  readonly quarterMb: number;
  readonly endMb: number;
}

/** Attackers at the same time. */
const ATTACKERS = 4;
/** Inputs that go in one write, before it is looked whether the broker answers. */
const AT_ONCE = 32;
/** Of so many attacks one comes before HELLO, or cuts the stream of frames anywhere. */
const STREAM_EVERY = 8;

const FRAMES = sampleFrames();
const PAYLOADS = FRAMES.map(payloadOf);
const OPCODES = COMMANDS.map(({ opcode }) => opcode);

/**
 * Sends a broker that runs what no client would, and holds that it goes on: it answers or closes, other clients notice
 * nothing, and its memory stays as it was.
 *
 * @throws Error with the seed when it does not
 */
export async function liveFuzz({ inputs, seed, onProgress }: LiveFuzzOptions): Promise<LiveFuzzReport> {
  await using broker = await spawnBroker({ logs: { level: 'fatal' } });
  await using bystander = await Bystander.start(broker.port);
  let done = 0;
  let closed = 0;
  let quarterMb = 0;
  const attack = async (index: number): Promise<void> => {
    const random = new Random(seed * ATTACKERS + index);
    while (done < inputs) {
      const isWhole = random.below(STREAM_EVERY) > 0;
      const attacker = await Attacker.connect(broker.port, isWhole || random.below(2) === 0);
      for (let isOpen = true; isOpen && done < inputs; ) {
        const bytes = Buffer.concat(Array.from({ length: AT_ONCE }, () => input(random, isWhole)));
        const outcome = await attacker.attack(bytes, isWhole);
        isOpen = outcome === 'answered' && random.below(20) > 0;
        if (outcome === 'closed') closed++;
        done += AT_ONCE;
        if (quarterMb === 0 && done >= inputs / 4) quarterMb = await residentMb(broker);
      }
      attacker.close(random);
    }
  };
  const watch = setInterval(async () => onProgress?.(done, await residentMb(broker).catch(() => 0)), 1_000);
  try {
    await Promise.all(Array.from({ length: ATTACKERS }, (_, index) => attack(index)));
    const bystanderMessages = await bystander.end();
    return { inputs: done, closed, bystanderMessages, quarterMb, endMb: await residentMb(broker) };
  } catch (cause) {
    throw new Error(
      `seed ${seed}, after ${done} inputs: ${(cause as Error).message}; ${broker.log.slice(-1_000)}`,
      {
        cause,
      },
    );
  } finally {
    clearInterval(watch);
  }
}

/** A frame whose payload was changed, or a piece of a stream of frames that was. */
function input(random: Random, isWhole: boolean): Buffer {
  if (!isWhole) return mutate(random, random.pick(FRAMES), FRAMES);
  const index = random.below(PAYLOADS.length);
  const payload = random.below(4) === 0 ? PAYLOADS[index]! : mutate(random, PAYLOADS[index]!, PAYLOADS);
  return frameOf(random, random.below(4) === 0 ? OPCODES : [OPCODES[index]!], payload);
}
