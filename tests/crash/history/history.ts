import type { Confirmed, Delivered, Fact, Killed, Place, Refused, Settled } from './facts.ts';

/** All that is known of one place in a stream. */
export interface PlaceHistory extends Place {
  /** In the order in which they were seen. */
  readonly deliveries: Delivered[];
  readonly acks: Settled[];
  readonly nacks: Settled[];
  /** The attempts that a follower was about to settle. */
  readonly settling: Set<number>;
  /** What was found at the place or confirmed to be there: one, if all is well. */
  readonly messages: Map<string, { readonly publisher: string; readonly number: number }>;
}

/** What was seen, by place, in the order of time. */
export class History {
  readonly places: Map<string, PlaceHistory> = new Map();
  readonly confirmed: Confirmed[] = [];
  readonly refused: Refused[] = [];
  readonly kills: Killed[] = [];

  constructor(facts: Iterable<Fact>) {
    for (const fact of [...facts].sort((a, b) => a.at - b.at)) this.#add(fact);
  }

  placeOf({ stream, sequence }: Place): PlaceHistory {
    const key = `${stream} ${sequence}`;
    const known = this.places.get(key);
    if (known !== undefined) return known;
    const place: PlaceHistory = {
      stream,
      sequence,
      deliveries: [],
      acks: [],
      nacks: [],
      settling: new Set(),
      messages: new Map(),
    };
    this.places.set(key, place);
    return place;
  }

  /** Which of the broker's lives a connection belongs to: how often the broker had been killed when it was made. */
  lifeOf({ connectedAt }: { readonly connectedAt: number }): number {
    return this.kills.filter(({ victim, at }) => victim === 'broker' && at < connectedAt).length;
  }

  /** When the broker was killed that a connection was made to. */
  deathAfter({ connectedAt }: { readonly connectedAt: number }): number {
    return this.kills.find(({ victim, at }) => victim === 'broker' && at >= connectedAt)?.at ?? connectedAt;
  }

  #add(fact: Fact): void {
    switch (fact.kind) {
      case 'confirmed':
        this.confirmed.push(fact);
        for (const place of fact.places) found(this.placeOf(place), fact);
        return;
      case 'refused':
        this.refused.push(fact);
        return;
      case 'killed':
        this.kills.push(fact);
        return;
      case 'delivered':
        this.placeOf(fact).deliveries.push(fact);
        found(this.placeOf(fact), fact);
        return;
      case 'settling':
        this.placeOf(fact).settling.add(fact.attempt);
        return;
      case 'acked':
        this.placeOf(fact).acks.push(fact);
        return;
      case 'nacked':
        this.placeOf(fact).nacks.push(fact);
    }
  }
}

function found(
  { messages }: PlaceHistory,
  { publisher, number }: { publisher: string; number: number },
): void {
  messages.set(`${publisher} ${number}`, { publisher, number });
}
