import { type Client, type Consumer, type Family, namesOf, type Source, type Topology } from '../client.ts';
import { type Answer, LineClient } from './line-client.ts';

/** Reserves that are under way at a time while a backlog lasts. */
const RESERVES = 200;
const PRIORITY = 1_024;
const TIME_TO_RUN_S = 600;

export async function connect(address: string, _: Topology): Promise<Client> {
  return new BeanstalkdClient(await LineClient.connect(Number(address)));
}

/** A stream is a tube, which comes to be when it is used. */
class BeanstalkdClient implements Client {
  readonly #lines: LineClient;
  #used = 'default';
  #closed = false;

  constructor(lines: LineClient) {
    this.#lines = lines;
  }

  async declare(): Promise<void> {}

  publish(stream: string, body: Buffer): Promise<unknown> {
    if (this.#used !== stream) {
      this.#used = stream;
      void this.#lines.send(`use ${stream}`);
    }
    return this.#lines.send(`put ${PRIORITY} 0 ${TIME_TO_RUN_S} ${body.length}`, body).then(inserted);
  }

  publishToAll(family: Family, body: Buffer): Promise<unknown> {
    return Promise.all(namesOf(family).map((stream) => this.publish(stream, body)));
  }

  async consume({ from }: Source, onMessage: (body: Uint8Array) => void): Promise<Consumer> {
    const streams = typeof from === 'string' ? [from] : namesOf(from);
    await Promise.all(streams.map((stream) => this.#lines.send(`watch ${stream}`)));
    let deletes: Promise<unknown> = Promise.resolve();
    void this.#reserve((id, body) => {
      onMessage(body);
      deletes = this.#lines.send(`delete ${id}`);
    });
    return { settled: () => deletes };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#lines.close();
  }

  /** A reserve that may have to wait goes out alone: what is sent after it waits behind it. */
  async #reserve(onJob: (id: string, body: Buffer) => void): Promise<void> {
    while (!this.#closed) {
      const { words, body } = await this.#lines.send('reserve-with-timeout 1');
      if (words[0] !== 'RESERVED') continue;
      onJob(words[1]!, body!);
      for (let more = true; more && !this.#closed; ) {
        const answers = Array.from({ length: RESERVES }, () => this.#lines.send('reserve-with-timeout 0'));
        const all = await Promise.all(answers);
        for (const answer of all) if (answer.words[0] === 'RESERVED') onJob(answer.words[1]!, answer.body!);
        more = all.at(-1)!.words[0] === 'RESERVED';
      }
    }
  }
}

function inserted({ words }: Answer): void {
  if (words[0] !== 'INSERTED') throw new Error(`beanstalkd answered a put with '${words.join(' ')}'`);
}
