import { Book } from './book.ts';
import { BrokerProcess, type OpenEngine } from './broker-process.ts';
import { ClientLink } from './client-link.ts';
import { derived } from './derived.ts';
import { Disk } from './disk.ts';
import { FollowerClient } from './follower-client.ts';
import type { FollowerPlan, Plan, StreamPlan } from './plan.ts';
import { PublisherClient } from './publisher-client.ts';
import type { StorageFaults } from './simulated-store.ts';
import { SimulatedTime } from './simulated-time.ts';
import { checkPending } from './state-checks.ts';

/** A broker, its disk and its clients, and the book in which all is written that is seen of them. */
export class World {
  readonly plan: Plan;
  readonly time: SimulatedTime;
  readonly book: Book;
  readonly broker: BrokerProcess;
  readonly faults: StorageFaults = { full: 'no', slowness: 1, failsNext: 'no' };
  readonly publishers: PublisherClient[] = [];
  readonly followers: FollowerClient[] = [];
  /** Of all clients, in the order in which they were made. */
  readonly links: ClientLink[] = [];

  constructor(plan: Plan, open: OpenEngine) {
    const { seed, groups } = plan;
    this.plan = plan;
    this.time = new SimulatedTime(derived(seed, 'time').below(2 ** 31));
    this.book = new Book(this.time, {
      maxDeliveriesOf: (group) => groups[group]?.retry?.maxDeliveries ?? 20,
      isKeyed: (group) => groups[group]?.ordering === 'key',
      dedupWindowMsOf: (name) => this.#streamPlan(name)?.options.dedupWindowMs ?? 120_000,
      mayBeTrimmed: (name) => this.#streamPlan(name)?.options.overflow === 'drop-oldest',
    });
    const disk = new Disk(this.book);
    this.book.disk = disk;
    this.broker = new BrokerProcess({
      open,
      disk,
      time: this.time,
      book: this.book,
      random: derived(seed, 'broker'),
      faults: this.faults,
      cacheBytesMax: plan.cacheBytesMax,
    });
  }

  async begin(): Promise<void> {
    await this.broker.start();
    for (const { name } of this.plan.streams) await this.create(name);
    const { publishers, followers } = this.plan;
    for (let i = 0; i < publishers; i++) {
      const id = String(i + 1).padStart(32, '0');
      this.publishers.push(new PublisherClient(`p${i}`, id, this.#link(`p${i}`), this.book));
    }
    for (const plan of followers) this.addFollower(plan);
    for (const link of this.links) link.connect();
  }

  /** Makes a stream and its groups; what comes from then on is to come to these. */
  async create(name: string): Promise<void> {
    const { engine } = this.broker;
    const { options, groups } = this.#streamPlan(name)!;
    await engine?.createStream(name, options);
    for (const group of groups) {
      await engine?.createGroup({ stream: name, group, options: this.plan.groups[group]! });
      const { nextSequence } = this.book.disk.stream(name)!;
      const book = this.book.stream(name)!.group(group);
      book.obligedFrom = Math.min(book.obligedFrom, nextSequence);
    }
  }

  addFollower(plan: FollowerPlan): ClientLink {
    const { seed, groups, results: resultsTo } = this.plan;
    const link = this.#link(plan.name);
    const groupOptions = groups[plan.group];
    this.followers.push(new FollowerClient({ plan, link, book: this.book, seed, groupOptions, resultsTo }));
    return link;
  }

  /** Starts the broker, should there be none. */
  startAgain(): void {
    if (this.broker.owner.isGone) void this.broker.start();
  }

  /** Holds the pending entry list of a group against the book. */
  async look(stream: string, group: string): Promise<void> {
    const { engine } = this.broker;
    if (engine !== undefined) await checkPending(this.book, engine, stream, group).catch(() => {});
  }

  #streamPlan(name: string): StreamPlan | undefined {
    return this.plan.streams.find((stream) => stream.name === name);
  }

  #link(name: string): ClientLink {
    const random = derived(this.plan.seed, 'link', name);
    const link = new ClientLink(this.time, random, (own, onLost) => this.broker.connect(own, onLost));
    this.links.push(link);
    return link;
  }
}
