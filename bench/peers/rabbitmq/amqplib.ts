import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect as dial } from 'amqplib';
import { type Client, type Consumer, type Family, inChunks, type Source, type Topology } from '../client.ts';
import { FAMILIES_EXCHANGE, Names, type QueueType, queueTypeOf } from './names.ts';
import { prefetchOf } from './prefetch.ts';
import { TurnAcks } from './turn-acks.ts';

const DIRECT_REPLY_TO = 'amq.rabbitmq.reply-to';

export async function connect(
  address: string,
  topology: Topology,
  options: Readonly<Record<string, string>>,
): Promise<Client> {
  const model = await dial(`${address}?frameMax=131072`, { noDelay: true });
  return new AmqplibClient(
    model,
    await model.createConfirmChannel(),
    new Names(topology),
    queueTypeOf(options),
  );
}

/** Durable queues, persistent messages, a channel with confirms. */
class AmqplibClient implements Client {
  readonly #model: ChannelModel;
  readonly #channel: ConfirmChannel;
  readonly #names: Names;
  readonly #queueType: QueueType;
  readonly #replies = new Map<string, (body: Uint8Array) => void>();
  #replyConsumer: Promise<unknown> | undefined;
  #requests = 0;

  constructor(model: ChannelModel, channel: ConfirmChannel, names: Names, queueType: QueueType) {
    this.#model = model;
    this.#channel = channel;
    this.#names = names;
    this.#queueType = queueType;
  }

  async declare(): Promise<void> {
    const { exchanges, queues, bindings } = this.#names;
    const channel = this.#channel;
    const settings = { durable: true, arguments: { 'x-queue-type': this.#queueType } };
    for (const { exchange, type } of exchanges) await channel.assertExchange(exchange, type);
    await inChunks(queues, 100, (queue) => channel.assertQueue(queue, settings));
    await inChunks(bindings, 100, ({ queue, exchange, routingKey }) =>
      channel.bindQueue(queue, exchange, routingKey),
    );
  }

  publish(stream: string, body: Buffer): Promise<unknown> {
    const { exchange, routingKey } = this.#names.route(stream);
    return this.#confirmed(exchange, routingKey, body);
  }

  publishToAll({ prefix }: Family, body: Buffer): Promise<unknown> {
    return this.#confirmed(FAMILIES_EXCHANGE, prefix, body);
  }

  async consume(source: Source, onMessage: (body: Uint8Array) => void): Promise<Consumer> {
    const channel = this.#channel;
    const queues = this.#names.queuesOf(source);
    let last: ConsumeMessage;
    const acks = new TurnAcks(() => channel.ack(last, true));
    await channel.prefetch(prefetchOf(queues.length));
    const onDelivery = (message: ConsumeMessage | null): void => {
      if (message === null) return;
      onMessage(message.content);
      last = message;
      acks.add(message.fields.deliveryTag);
    };
    await Promise.all(queues.map((queue) => channel.consume(queue, onDelivery)));
    return {
      settled() {
        acks.flush();
        return channel.checkQueue(queues[0]!);
      },
    };
  }

  async request(stream: string, body: Buffer): Promise<Uint8Array> {
    this.#replyConsumer ??= this.#channel.consume(DIRECT_REPLY_TO, (reply) => this.#replied(reply), {
      noAck: true,
    });
    await this.#replyConsumer;
    const correlationId = String(++this.#requests);
    return await new Promise((resolve) => {
      this.#replies.set(correlationId, resolve);
      this.#channel.sendToQueue(stream, body, { replyTo: DIRECT_REPLY_TO, correlationId });
    });
  }

  async respond(stream: string): Promise<void> {
    const channel = this.#channel;
    const onRequest = (request: ConsumeMessage | null): void => {
      if (request === null) return;
      const { replyTo, correlationId } = request.properties;
      channel.sendToQueue(replyTo, request.content, { correlationId });
    };
    await channel.consume(stream, onRequest, { noAck: true });
  }

  async close(): Promise<void> {
    await this.#channel.close();
    await this.#model.close();
  }

  #confirmed(exchange: string, routingKey: string, body: Buffer): Promise<unknown> {
    return new Promise<void>((resolve, reject) => {
      this.#channel.publish(exchange, routingKey, body, { persistent: true }, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  #replied(reply: ConsumeMessage | null): void {
    if (reply === null) return;
    const { correlationId } = reply.properties;
    this.#replies.get(correlationId)?.(reply.content);
    this.#replies.delete(correlationId);
  }
}
