/** An engine with one fault, which the simulation has to notice. */
export interface Mutant {
  readonly name: string;
  /** Within packages/broker/src. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** It is noticed within so many seeds. */
  readonly seedsMax: number;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'publishes are confirmed before the commit',
    file: 'commit/committer.ts',
    from: 'const sealed = this.#seal();\n    try {',
    to: 'const sealed = this.#seal();\n    for (const { resolve } of sealed.transaction.publishes) resolve();\n    try {',
    seedsMax: 50,
  },
  {
    name: 'acks are answered before the commit',
    file: 'commit/committer.ts',
    from: 'const sealed = this.#seal();\n    try {',
    to: 'const sealed = this.#seal();\n    for (const { resolve } of sealed.transaction.settlements) resolve();\n    try {',
    seedsMax: 50,
  },
  {
    name: 'messages are delivered before the commit',
    file: 'commit/committer.ts',
    from: 'const sealed = this.#seal();\n    try {',
    to: `const sealed = this.#seal();
    for (const { stream, lane, batch } of sealed.batches) {
      lane.log.append(batch);
      lane.durableEnd = batch.last + 1;
      for (const group of stream.groups.values()) group.dispatch();
    }
    try {`,
    seedsMax: 50,
  },
  {
    name: 'acks behind one that is missing are forgotten on a restart',
    file: 'group/window-state.ts',
    from: 'setBits(state, at, span.first - base);',
    to: '',
    seedsMax: 50,
  },
  {
    name: 'the last sequence number is used again after a restart',
    file: 'stream/stream.ts',
    from: 'this.nextSequence = stored.nextSequence;',
    to: 'this.nextSequence = Math.max(1, stored.nextSequence - 1);',
    seedsMax: 50,
  },
  {
    name: 'what is in its second attempt is lost from the pending entry list on a restart',
    file: 'engine/stream-registry.ts',
    from: 'ledger.restore(span, isDead || group.gate !== undefined);',
    to: 'if (nextAttempt !== 2) ledger.restore(span, isDead || group.gate !== undefined);',
    seedsMax: 50,
  },
  {
    name: 'attempts begin anew on a restart',
    file: 'group/window-state.ts',
    from: 'deliveries.set(first + i, { attempt, dueAt });',
    to: 'deliveries.set(first + i, { attempt: 1, dueAt });',
    seedsMax: 50,
  },
  {
    name: 'a stale ack of another attempt is accepted',
    file: 'group/ledger.ts',
    from: "state.kind === 'lease' && state.holder === member && state.attempt === attempt,",
    to: "state.kind === 'lease' && state.holder === member,",
    seedsMax: 50,
  },
  {
    name: 'an ack of what another follower holds is accepted',
    file: 'group/ledger.ts',
    from: "state.kind === 'lease' && state.holder === member && state.attempt === attempt,",
    to: "state.kind === 'lease',",
    seedsMax: 50,
  },
  {
    name: 'a dead letter is stored, and its message stays',
    file: 'dead-letters/burials.ts',
    from: 'const { spans, undo } = group.buried(death.lane, death);',
    to: 'const { spans, undo } = { spans: [death], undo: () => {} };',
    seedsMax: 50,
  },
  {
    name: "a producer's receipts are forgotten on a restart",
    file: 'commit/producers.ts',
    from: 'this.#producers.set(id, { id, usedAt, settled: 0, known, receipts: new Map(settled) });',
    to: '',
    seedsMax: 200,
  },
  {
    name: 'message ids are forgotten on a restart',
    file: 'engine/parts.ts',
    from: 'dedup.restore(snapshot.dedup, streamOf);',
    to: '',
    seedsMax: 100,
  },
  {
    name: 'a message goes once the first group is done with it',
    file: 'stream/work-retention.ts',
    from: 'if (group === by || done.length === 0) continue;',
    to: 'if (group === by || done.length > -1) continue;',
    seedsMax: 100,
  },
  {
    name: 'a delayed message stays where it waited when it enters its stream',
    file: 'delay/delays.ts',
    from: 'if (stream.isDurable) transaction.removedDelayed.push(delayed.id);',
    to: '',
    seedsMax: 100,
  },
  {
    name: 'messages of one key do not wait for one another',
    file: 'group/group-lane.ts',
    from: 'if (gate.isShut(key)) return i;',
    to: '',
    seedsMax: 100,
  },
  {
    name: 'what was refused for want of room is not taken back',
    file: 'commit/committer.ts',
    from: 'for (const undo of from.undo.splice(0).reverse()) undo();',
    to: 'from.undo.length = 0;',
    seedsMax: 200,
  },
  {
    name: 'leases that run out are not noticed',
    file: 'group/membership.ts',
    from: 'setTimeout(() => this.#onExpired(this), Math.max(1, lease.deadline - monotonicMs()))',
    to: 'setTimeout(() => {}, Math.max(1, lease.deadline - monotonicMs()))',
    seedsMax: 200,
  },
];
