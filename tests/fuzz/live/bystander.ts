import { Bind, Connection, Follower, type Message, Publisher } from '@simplemq/client';

const STREAM = 'a-stream-that-no-attack-names';

const GROUP = 'a-group-that-no-attack-names';
const PREFIX: Buffer = Buffer.from('bystander ');
const NOTHING: Buffer = Buffer.alloc(0);

/** Somebody else on the same broker: publishes one message after the other, and holds that each comes as it was. */
export class Bystander {
  readonly #connection: Connection;
  readonly #stop = new AbortController();
  readonly #work: Promise<number>;

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#work = this.#run();
    this.#work.catch(() => {});
  }

  static async start(port: number): Promise<Bystander> {
    // A connection that is lost is not made again: that would be noticed.
    const connection = new Connection({ host: '127.0.0.1', port, reconnect: false });
    await connection.cursor().createStream(STREAM);
    return new Bystander(connection);
  }

  /** @returns how many messages came, each once and in order */
  async end(): Promise<number> {
    this.#stop.abort();
    return this.#work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work.catch(() => {});
    await this.#connection.close();
  }

  async #run(): Promise<number> {
    const publisher = new Publisher<Uint8Array>(this.#connection, new Bind(STREAM));
    const follower = new Follower<Uint8Array>(this.#connection, new Bind(STREAM), { group: GROUP });
    const messages = follower.getMessages();
    let number = 0;
    while (!this.#stop.signal.aborted) {
      const sent = bodyOf(++number);
      await publisher.sendMessage(sent);
      for (let came: Buffer = NOTHING; !came.equals(sent); ) {
        const { value: message } = await messages.next();
        came = bytesOf(message!);
        const isMine = came.subarray(0, PREFIX.length).equals(PREFIX);
        if (isMine && !came.equals(sent))
          throw new Error(`a bystander published '${sent}' and got '${came}'`);
        await message!.ack();
      }
    }
    return number;
  }
}

function bodyOf(number: number): Buffer {
  return Buffer.from(`${PREFIX}${number}`);
}

/** A pattern that an attacker publishes to may match this stream too, with a body that is nothing. */
function bytesOf(message: Message<Uint8Array>): Buffer {
  try {
    return Buffer.from(message.body);
  } catch {
    return NOTHING;
  }
}
