import { allStreams, type Family, namesOf, type Source, type Topology } from '../client.ts';

export type QueueType = 'classic' | 'quorum';

export function queueTypeOf({ queueType }: Readonly<Record<string, string>>): QueueType {
  return queueType === 'quorum' ? 'quorum' : 'classic';
}

/** Binds the queues of each family by its prefix, so that one publish reaches all of them. */
export const FAMILIES_EXCHANGE = 'families';

/** A stream with one group is a queue; with several it is a fanout exchange with a queue for each. */
export class Names {
  readonly topology: Topology;
  readonly #hasGroups: boolean;

  constructor(topology: Topology) {
    this.topology = topology;
    this.#hasGroups = topology.groups.length > 1;
  }

  /** Where a message of a stream goes. */
  route(stream: string): { exchange: string; routingKey: string } {
    return this.#hasGroups ? { exchange: stream, routingKey: '' } : { exchange: '', routingKey: stream };
  }

  get exchanges(): { exchange: string; type: 'fanout' | 'direct' }[] {
    const fanouts = this.#hasGroups ? this.topology.streams : [];
    return [
      { exchange: FAMILIES_EXCHANGE, type: 'direct' },
      ...fanouts.map((exchange) => ({ exchange, type: 'fanout' as const })),
    ];
  }

  get queues(): string[] {
    const all = allStreams(this.topology);
    return this.#hasGroups
      ? all.flatMap((stream) => this.topology.groups.map((group) => queueOf(stream, group)))
      : all;
  }

  get bindings(): { queue: string; exchange: string; routingKey: string }[] {
    const { streams, families, groups } = this.topology;
    const ofGroups = streams.flatMap((exchange) =>
      groups.map((group) => ({ queue: queueOf(exchange, group), exchange, routingKey: '' })),
    );
    return [...(this.#hasGroups ? ofGroups : []), ...families.flatMap(bindingsOf)];
  }

  queuesOf({ from, group }: Source): string[] {
    if (typeof from !== 'string') return namesOf(from);
    return [this.#hasGroups ? queueOf(from, group) : from];
  }
}

function queueOf(stream: string, group: string): string {
  return `${stream}.${group}`;
}

function bindingsOf(family: Family): { queue: string; exchange: string; routingKey: string }[] {
  return namesOf(family).map((queue) => ({
    queue,
    exchange: FAMILIES_EXCHANGE,
    routingKey: family.prefix,
  }));
}
