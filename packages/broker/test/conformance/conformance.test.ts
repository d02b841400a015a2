import { describe } from 'vitest';
import { openTestEngine } from '../test-engine.ts';
import { beginningAnew } from './beginning-anew.ts';
import { changingGroups } from './changing-groups.ts';
import { deadLetters } from './dead-letters.ts';
import { deduplication } from './deduplication.ts';
import { delays } from './delays.ts';
import type { EngineKind } from './engine-kind.ts';
import { everything } from './everything.ts';
import { groups } from './groups.ts';
import { handingOut } from './handing-out.ts';
import { limits } from './limits.ts';
import { ordering } from './ordering.ts';
import { priorities } from './priorities.ts';
import { reading } from './reading.ts';
import { redriving } from './redriving.ts';
import { retention } from './retention.ts';
import { retries } from './retries.ts';
import { schedules } from './schedules.ts';
import { transactions } from './transactions.ts';
import { ttl } from './ttl.ts';

const KINDS: readonly EngineKind[] = [
  kind('memory', { survives: false, open: () => openTestEngine('memory') }),
  kind('file', { survives: true, open: () => openTestEngine('file') }),
  // Of a batch that is not the newest nothing is in memory when it is needed.
  kind('file, with a cache of next to nothing', {
    survives: true,
    open: () => openTestEngine('file', { cacheBytesMax: 1 }),
  }),
];

const THEMES: readonly ((kind: EngineKind) => void)[] = [
  groups,
  changingGroups,
  beginningAnew,
  retention,
  limits,
  retries,
  deadLetters,
  redriving,
  priorities,
  delays,
  ttl,
  deduplication,
  ordering,
  handingOut,
  transactions,
  reading,
  schedules,
  everything,
];

// Most of what a test takes is waiting: each has an engine of its own, so they wait together.
describe.concurrent.each(KINDS)('the engine ($name)', (kind) => {
  for (const theme of THEMES) theme(kind);
});

function kind(
  name: string,
  { survives, open }: { survives: boolean; open: () => ReturnType<typeof openTestEngine> },
): EngineKind {
  return {
    name,
    survives,
    async open() {
      const broker = await open();
      return {
        get engine() {
          return broker.engine;
        },
        restart: (whileClosed) => broker.restart({}, whileClosed),
        [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
      };
    },
  };
}
