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
    from: 'this.#rest = undefined;\n    try {',
    to: 'this.#rest = undefined;\n    for (const { resolve } of sealed.transaction.publishes) resolve();\n    try {',
    seedsMax: 50,
  },
  {
    name: 'acks are answered before the commit',
    file: 'commit/committer.ts',
    from: 'this.#rest = undefined;\n    try {',
    to: 'this.#rest = undefined;\n    for (const { resolve } of sealed.transaction.settlements) resolve();\n    try {',
    seedsMax: 50,
  },
  {
    name: 'messages are delivered before the commit',
    file: 'commit/committer.ts',
    from: 'this.#rest = undefined;\n    try {',
    to: `this.#rest = undefined;
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
    from: 'this.#use(producerIdOf(id), usedAt).restore(id, receipts);',
    to: '',
    seedsMax: 200,
  },
  {
    name: 'message ids are forgotten on a restart',
    file: 'engine/parts.ts',
    from: 'dedup.restore(snapshot.dedup, streamOf, Math.floor(clock.now()));',
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
    from: 'from.takeBack();',
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
  {
    name: 'a time that was due while no broker ran is left out',
    file: 'schedule/schedules.ts',
    from: 'nextAt: at, foundAt, lastAt };',
    to: 'nextAt: Math.max(at, nextAfter(next, Date.now())), foundAt, lastAt };',
    seedsMax: 400,
  },
  {
    name: 'a schedule publishes, and when it is due next is not stored with that',
    file: 'schedule/schedules.ts',
    from: 'this.#put({ ...schedule, nextAt: nextAfter(schedule.next, now), foundAt: now, lastAt: now }, schedule);',
    to:
      'this.#schedules.set(schedule.name, ' +
      '{ ...schedule, nextAt: nextAfter(schedule.next, now), foundAt: now, lastAt: now });',
    seedsMax: 400,
  },
  {
    name: 'a schedule that is paused publishes after a restart',
    file: 'schedule/schedules.ts',
    from: 'return { name, stream, cron, timezone, paused, batch, next',
    to: 'return { name, stream, cron, timezone, paused: false, batch, next',
    seedsMax: 1_000,
  },
  {
    name: 'messages go at half the age that they may have',
    file: 'stream/retention.ts',
    from: 'this.#dropAged(stream, now - maxAgeMs))',
    to: 'this.#dropAged(stream, now - maxAgeMs / 2))',
    seedsMax: 200,
  },
  {
    name: 'a stream that drops its oldest drops more than it has to',
    file: 'stream/retention.ts',
    from: 'maxMessages > 0 ? stream.messages - maxMessages : 0;',
    to: 'maxMessages > 0 ? stream.messages - maxMessages + 2 : 0;',
    seedsMax: 400,
  },
  {
    name: 'a group that is moved leaves out the first message from there on',
    file: 'engine/group-administration.ts',
    from: "if ('sequence' in startFrom) return clip(startFrom.sequence);",
    to: "if ('sequence' in startFrom) return clip(startFrom.sequence + 1);",
    seedsMax: 400,
  },
  {
    name: 'an update of the retry policy is not in force',
    file: 'group/group.ts',
    from: 'this.#settings = settings;\n    if (ordering',
    to: 'this.#settings = { ...settings, retry: this.#settings.retry };\n    if (ordering',
    seedsMax: 400,
  },
  {
    name: 'an update of a group is not stored',
    file: 'group/group.ts',
    from: 'this.#dispatcher.settingsChanged();\n    this.#events.changed(this, true);',
    to: 'this.#dispatcher.settingsChanged();',
    seedsMax: 2_000,
  },
  {
    name: 'a message may be delivered once more than its group allows',
    file: 'group/group.ts',
    from: 'if (attempt >= retry.maxDeliveries) return idleState(attempt + 1, deliveredAt);',
    to: 'if (attempt > retry.maxDeliveries) return idleState(attempt + 1, deliveredAt);',
    seedsMax: 200,
  },
  {
    name: 'what a group held that is deleted goes to the group that comes after it',
    file: 'engine/group-administration.ts',
    from: 'this.#committer.open.deletedGroups.push(group);',
    to: '',
    seedsMax: 2_000,
  },
  {
    name: 'a memory stream is on the disk',
    file: 'commit/to-store.ts',
    from: 'return stream.isDurable && !stream.isDeleted;',
    to: 'return !stream.isDeleted;',
    seedsMax: 200,
  },
  {
    name: 'acks of what is in memory are answered, and not done',
    file: 'group/group.ts',
    from: 'const change = lane.ledger.ack(membership, part, attempt);\n      if (change.changed.length > 0) {',
    to: `const isLeft = 'isDurable' in this.stream && this.stream.isDurable === false;
      const change = isLeft
        ? lane.ledger.giveBack(membership, part, attempt, idleState(attempt, 0))
        : lane.ledger.ack(membership, part, attempt);
      if (change.changed.length > 0 && !isLeft) {`,
    seedsMax: 200,
  },
];
