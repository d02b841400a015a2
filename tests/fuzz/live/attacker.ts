import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  encodeFrame,
  encodeHello,
  encodeListStreams,
  type Frame,
  FrameDecoder,
  Opcode,
  PROTOCOL_VERSION,
} from '@simplemq/protocol';
import type { Random } from '../random.ts';

/** A broker that has not answered by then hangs. */
const ANSWER_MS_MAX = 30_000;
/** Of what breaks off in the middle of a frame it may wait for the rest; that is not waited for. */
const WAIT_MS = 20;
/** No request of an attack has this id. */
const PROBE_ID = 0xfffffff0;

export type Outcome = 'answered' | 'closed' | 'waiting';

/** A connection that sends what nobody should, and looks whether the broker still answers. */
export class Attacker {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder({ frameBytesMax: 2 ** 31 });
  #onProbe: (() => void) | undefined;
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#decoder.push(chunk, (frame) => this.#received(frame)));
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#isClosed = true;
      this.#onProbe?.();
    });
  }

  /** @param says whether it says HELLO first, as it should */
  static async connect(port: number, says: boolean): Promise<Attacker> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    const attacker = new Attacker(socket);
    if (says) {
      const producer = randomBytes(16);
      const hello = { version: PROTOCOL_VERSION, client: 'attacker', producer, features: [] };
      socket.write(encodeHello(1, hello));
    }
    return attacker;
  }

  /**
   * Sends the bytes, and then a request that is right.
   *
   * @param isWhole whether they are frames, of the right lengths
   * @throws Error when they are, and neither an answer comes to that request nor the end of the connection
   */
  async attack(bytes: Buffer, isWhole: boolean): Promise<Outcome> {
    const probed = new Promise<void>((resolve) => {
      this.#onProbe = resolve;
    });
    let isLate = false;
    const limit = setTimeout(
      () => {
        isLate = true;
        this.#onProbe?.();
      },
      isWhole ? ANSWER_MS_MAX : WAIT_MS,
    );
    this.#socket.write(bytes);
    this.#socket.write(encodeListStreams(PROBE_ID, { limit: 1 }));
    if (!this.#isClosed) await probed;
    clearTimeout(limit);
    if (isLate && isWhole) {
      throw new Error(`the broker neither answers nor closes after ${bytes.toString('hex')}`);
    }
    if (this.#isClosed) return 'closed';
    return isLate ? 'waiting' : 'answered';
  }

  /** Ends the connection; a client that dies does so without a word. */
  close(random: Random): void {
    if (random.below(2) === 0) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #received({ opcode, requestId }: Frame): boolean {
    if (requestId === PROBE_ID && (opcode === Opcode.StreamsListed || opcode === Opcode.Error))
      this.#onProbe?.();
    return true;
  }
}

/** A whole frame around a payload that is right for no opcode, or for another one. */
export function frameOf(random: Random, opcodes: readonly number[], payload: Buffer): Buffer {
  return encodeFrame(random.pick(opcodes), 1 + random.below(1_000), payload);
}
