import { type Channel, Connection, type RPCClient } from 'rabbitmq-client';
import { type Client, type Consumer, type Family, inChunks, type Source, type Topology } from '../client.ts';
import { FAMILIES_EXCHANGE, Names, type QueueType, queueTypeOf } from './names.ts';
import { prefetchOf } from './prefetch.ts';
import { TurnAcks } from './turn-acks.ts';

const REQUEST_TIMEOUT_MS = 120_000;

export async function connect(
  address: string,
  topology: Topology,
  options: Readonly<Record<string, string>>,
): Promise<Client> {
  const connection = new Connection({ url: address, noDelay: true, frameMax: 131_072 });
  const channel = await connection.acquire();
  await channel.confirmSelect();
  return new RabbitMqClient(connection, channel, new Names(topology), queueTypeOf(options));
}

/** Durable queues, durable messages; its channels, which ack many messages at once, as its Consumer does not. */
class RabbitMqClient implements Client {
  readonly #connection: Connection;
  readonly #channel: Channel;
  readonly #names: Names;
  readonly #queueType: QueueType;
  #rpc: RPCClient | undefined;
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(connection: Connection, channel: Channel, names: Names, queueType: QueueType) {
    this.#connection = connection;
    this.#channel = channel;
    this.#names = names;
    this.#queueType = queueType;
  }

  async declare(): Promise<void> {
    const { exchanges, queues, bindings } = this.#names;
    const channel = this.#channel;
    const settings = { durable: true, arguments: { 'x-queue-type': this.#queueType } };
    for (const exchange of exchanges) await channel.exchangeDeclare({ ...exchange, durable: true });
    await inChunks(queues, 100, (queue) => channel.queueDeclare({ queue, ...settings }));
    await inChunks(bindings, 100, (binding) => channel.queueBind(binding));
  }

  publish(stream: string, body: Buffer): Promise<unknown> {
    const { exchange, routingKey } = this.#names.route(stream);
    return this.#channel.basicPublish({ exchange, routingKey, durable: true }, body);
  }

  publishToAll({ prefix }: Family, body: Buffer): Promise<unknown> {
    const envelope = { exchange: FAMILIES_EXCHANGE, routingKey: prefix, durable: true };
    return this.#channel.basicPublish(envelope, body);
  }

  async consume(source: Source, onMessage: (body: Uint8Array) => void): Promise<Consumer> {
    const channel = this.#channel;
    const queues = this.#names.queuesOf(source);
    const acks = new TurnAcks((deliveryTag) => channel.basicAck({ deliveryTag, multiple: true }));
    await channel.basicQos({ prefetchCount: prefetchOf(queues.length) });
    await inChunks(queues, 100, (queue) =>
      channel.basicConsume({ queue }, (message) => {
        onMessage(message.body);
        acks.add(message.deliveryTag);
      }),
    );
    return {
      settled() {
        acks.flush();
        return channel.queueDeclare({ queue: queues[0]!, passive: true });
      },
    };
  }

  async request(stream: string, body: Buffer): Promise<Uint8Array> {
    if (this.#rpc === undefined) {
      const rpc = this.#connection.createRPCClient({ timeout: REQUEST_TIMEOUT_MS });
      this.#rpc = rpc;
      this.#closers.push(() => rpc.close());
    }
    return (await this.#rpc.send(stream, body)).body;
  }

  async respond(stream: string): Promise<void> {
    const settings = { queue: stream, noAck: true, queueOptions: { passive: true } };
    const consumer = this.#connection.createConsumer(settings, (request, reply) => reply(request.body));
    this.#closers.push(() => consumer.close());
    await new Promise<void>((resolve) => consumer.once('ready', resolve));
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
    await this.#channel.close();
    await this.#connection.close();
  }
}
