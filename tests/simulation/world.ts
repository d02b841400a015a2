import type { GroupOptions } from '@simplemq/protocol';
import type { Engine } from '../../packages/broker/src/engine/engine.ts';
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
import { checkPending, checkSettings } from './state-checks.ts';

/** When a stream that could not be created is asked for again, in ms. */
const AGAIN_MS = 20;

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

  readonly #hasUpdates: boolean;
  #hasBegun = false;

  constructor(plan: Plan, open: OpenEngine) {
    const { seed, groups } = plan;
    this.plan = plan;
    this.#hasUpdates = plan.commands.some(({ kind }) => kind === 'updateGroup');
    this.time = new SimulatedTime(derived(seed, 'time').below(2 ** 31));
    this.book = new Book(this.time, {
      isMemory: (name) =>
        plan.memory.some((stream) => name === stream.name || name === `$dead.${stream.name}`),
      optionsOf: (group) => groups[group] ?? {},
      isKeyed: (group) => groups[group]?.ordering === 'key',
      dedupWindowMsOf: (name) => this.#streamPlan(name)?.options.dedupWindowMs ?? 120_000,
      mayReject: (name) => this.#streamPlan(name)?.options.overflow === 'reject',
      limitsOf: (name) => this.#streamPlan(name)?.options ?? {},
      mayBeTrimmed: (name) => {
        const { overflow, maxAgeMs = 0 } = this.#streamPlan(name)?.options ?? {};
        return overflow === 'drop-oldest' || maxAgeMs > 0;
      },
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
      onOpened: () => {
        if (this.#hasBegun) for (const { name } of plan.memory) void this.#createInMemory(name);
      },
    });
  }

  /** All that there are to be. */
  get streams(): readonly StreamPlan[] {
    return [...this.plan.streams, ...this.plan.memory];
  }

  async begin(): Promise<void> {
    await this.broker.start();
    for (const { name } of this.streams) await this.create(name);
    this.#hasBegun = true;
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
    const engine = this.#engine;
    const { options, groups } = this.#streamPlan(name)!;
    const { memory } = this.book;
    if (this.book.expected.isMemory(name)) memory.begin(name);
    await engine.createStream(name, options);
    for (const group of groups) {
      await this.createGroup(name, group);
      const { nextSequence } = this.book.disk.stream(name) ?? (await engine.streamInfo(name));
      const book = this.book.stream(name)!.group(group);
      book.obligedFrom = Math.min(book.obligedFrom, nextSequence);
    }
  }

  /** With the options that it was given last, or with those before: whichever it has. */
  async createGroup(stream: string, group: string): Promise<void> {
    const candidates = this.#optionsOf(stream, group);
    for (const [index, options] of candidates.entries()) {
      try {
        await this.#engine.createGroup({ stream, group, options });
        return;
      } catch (error) {
        const isOther = (error as { code?: string }).code === 'StreamConflict';
        if (!isOther || index === candidates.length - 1) throw error;
      }
    }
  }

  addFollower(plan: FollowerPlan): ClientLink {
    const { seed, results: resultsTo } = this.plan;
    const link = this.#link(plan.name);
    const { bind, group } = plan;
    const stream = 'stream' in bind ? bind.stream : undefined;
    const optionsOf = (): readonly GroupOptions[] => this.#optionsOf(stream, group);
    this.followers.push(new FollowerClient({ plan, link, book: this.book, seed, optionsOf, resultsTo }));
    return link;
  }

  /** Starts the broker, should there be none. */
  startAgain(): void {
    if (this.broker.owner.isGone) void this.broker.start();
  }

  /** Holds the pending entry list of a group against the book. */
  async look(stream: string, group: string): Promise<void> {
    const { engine } = this.broker;
    if (engine === undefined) return;
    await checkPending(this.book, engine, stream, group).catch(() => {});
    if (this.#hasUpdates) await checkSettings(this.book, engine, stream, group).catch(() => {});
  }

  /** As a program does it that finds its broker started anew. */
  async #createInMemory(name: string): Promise<void> {
    const { owner } = this.broker;
    while (!owner.isGone) {
      try {
        await this.create(name);
        return;
      } catch (error) {
        if ((error as { code?: string }).code === 'StorageFull') this.book.memory.lose();
        await this.time.sleep(AGAIN_MS);
      }
    }
  }

  get #engine(): Engine {
    const { engine } = this.broker;
    if (engine === undefined) throw new Error('the broker takes no requests');
    return engine;
  }

  #optionsOf(stream: string | undefined, group: string): readonly GroupOptions[] {
    const known = stream === undefined ? undefined : this.book.stream(stream)?.groups.get(group);
    return known?.policies.candidates ?? [this.plan.groups[group]!];
  }

  #streamPlan(name: string): StreamPlan | undefined {
    return this.streams.find((stream) => stream.name === name);
  }

  #link(name: string): ClientLink {
    const random = derived(this.plan.seed, 'link', name);
    const link = new ClientLink(this.time, random, (own, onLost) => this.broker.connect(own, onLost));
    this.links.push(link);
    return link;
  }
}
