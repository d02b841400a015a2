import {
  AckPolicy,
  type ConsumerMessages,
  type JetStreamClient,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { connect as dial, type NatsConnection } from '@nats-io/transport-node';
import {
  type Client,
  type Consumer,
  type Family,
  inChunks,
  namesOf,
  type Source,
  type Topology,
} from '../client.ts';
import { AckInbox } from './ack-inbox.ts';

const REQUEST_TIMEOUT_MS = 120_000;
/** Of the values that were tried the quickest; the default is 100. */
const PULL_MESSAGES = 5_000;

export async function connect(address: string, topology: Topology): Promise<Client> {
  const connection = await dial({ servers: address });
  return new NatsClient(connection, topology);
}

/**
 * A stream is a JetStream stream of one subject; a family is one JetStream stream of many subjects. That is how NATS
 * advises to have many; a JetStream stream each would cost it files and memory.
 */
class NatsClient implements Client {
  readonly #connection: NatsConnection;
  readonly #topology: Topology;
  readonly #jetstream: JetStreamClient;
  readonly #acks: AckInbox;
  readonly #pulls: ConsumerMessages[] = [];

  constructor(connection: NatsConnection, topology: Topology) {
    this.#connection = connection;
    this.#topology = topology;
    this.#jetstream = jetstream(connection, { timeout: REQUEST_TIMEOUT_MS });
    this.#acks = new AckInbox(connection);
  }

  async declare(): Promise<void> {
    const { streams, families, groups } = this.#topology;
    const wanted = [
      ...streams.map((stream) => ({ name: stream, subject: stream })),
      ...families.map(({ prefix }) => ({ name: prefix, subject: `${prefix}.>` })),
    ];
    const manager = await jetstreamManager(this.#connection, { timeout: REQUEST_TIMEOUT_MS });
    for (const { name, subject } of wanted) {
      await manager.streams.add({
        name,
        subjects: [subject],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
      });
      await inChunks(groups, 10, (group) =>
        manager.consumers.add(name, {
          durable_name: group,
          ack_policy: AckPolicy.Explicit,
          max_ack_pending: -1,
        }),
      );
    }
  }

  publish(stream: string, body: Buffer): Promise<unknown> {
    return this.#acks.publish(stream, body);
  }

  publishToAll(family: Family, body: Buffer): Promise<unknown> {
    return Promise.all(namesOf(family).map((subject) => this.#acks.publish(subject, body)));
  }

  async consume({ from, group }: Source, onMessage: (body: Uint8Array) => void): Promise<Consumer> {
    const stream = typeof from === 'string' ? from : from.prefix;
    const consumer = await this.#jetstream.consumers.get(stream, group);
    const pull = await consumer.consume({
      max_messages: PULL_MESSAGES,
      callback: (message) => {
        onMessage(message.data);
        message.ack();
      },
    });
    this.#pulls.push(pull);
    return { settled: () => this.#connection.flush() };
  }

  async request(stream: string, body: Buffer): Promise<Uint8Array> {
    const reply = await this.#connection.request(requestsOf(stream), body, { timeout: REQUEST_TIMEOUT_MS });
    return reply.data;
  }

  async respond(stream: string): Promise<void> {
    this.#connection.subscribe(requestsOf(stream), {
      callback: (error, message) => {
        if (error === null) message.respond(message.data);
      },
    });
    await this.#connection.flush();
  }

  async close(): Promise<void> {
    for (const pull of this.#pulls) void pull.close();
    await this.#connection.close();
  }
}

/** No JetStream stream keeps these, or its confirm would be taken for the reply. */
function requestsOf(stream: string): string {
  return `requests.${stream}`;
}
