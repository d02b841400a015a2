import { Bind, Connection, Follower, Publisher, Requester, respond } from '@simplemq/client';
import {
  allStreams,
  type Client,
  type Consumer,
  type Family,
  inChunks,
  type Source,
  type Topology,
} from '../client.ts';

export async function connect(address: string, topology: Topology): Promise<Client> {
  const connection = new Connection(address);
  await connection.cursor().session();
  return new SimpleMqClient(connection, topology);
}

/** Everything at its defaults. */
class SimpleMqClient implements Client {
  readonly #connection: Connection;
  readonly #topology: Topology;
  readonly #publishers = new Map<string, Publisher>();
  readonly #requesters = new Map<string, Requester<Buffer, Uint8Array>>();

  constructor(connection: Connection, topology: Topology) {
    this.#connection = connection;
    this.#topology = topology;
  }

  async declare(): Promise<void> {
    const cursor = this.#connection.cursor();
    const { groups } = this.#topology;
    await inChunks(allStreams(this.#topology), 500, async (stream) => {
      await cursor.createStream(stream);
      for (const group of groups) await cursor.createGroup(stream, group);
    });
  }

  publish(stream: string, body: Buffer): Promise<unknown> {
    return this.#publisher(stream).sendMessage(body);
  }

  publishToAll({ prefix }: Family, body: Buffer): Promise<unknown> {
    return this.#publisher(prefix, () => membersOf(prefix)).sendMessage(body);
  }

  async consume({ from, group }: Source, onMessage: (body: Uint8Array) => void): Promise<Consumer> {
    const bind = typeof from === 'string' ? new Bind(from) : membersOf(from.prefix);
    const follower = new Follower<Uint8Array>(this.#connection, bind, { group });
    let last: Promise<void> = Promise.resolve();
    const take = async (): Promise<void> => {
      for await (const message of follower.getMessages()) {
        onMessage(message.body);
        last = message.ack();
      }
    };
    void take();
    return { settled: () => last };
  }

  request(stream: string, body: Buffer): Promise<Uint8Array> {
    let requester = this.#requesters.get(stream);
    if (requester === undefined) {
      requester = new Requester(this.#connection, new Bind(stream));
      this.#requesters.set(stream, requester);
    }
    return requester.request(body);
  }

  async respond(stream: string): Promise<void> {
    respond<Uint8Array, Uint8Array>(this.#connection, new Bind(stream), ({ body }) => body, {
      concurrency: 100,
    });
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #publisher(name: string, bind: () => Bind = () => new Bind(name)): Publisher {
    let publisher = this.#publishers.get(name);
    if (publisher === undefined) {
      publisher = new Publisher(this.#connection, bind());
      this.#publishers.set(name, publisher);
    }
    return publisher;
  }
}

function membersOf(prefix: string): Bind {
  return new Bind(new RegExp(`^${prefix}\\.`));
}
