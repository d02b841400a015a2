import type { RedeliveryCause } from '../group/group.ts';
import type { StoredDamage, StoredTornEnd } from '../store/store.ts';

/** What an engine tells whoever watches it: logs and metrics. */
export type EngineEvent =
  | { readonly type: 'streamCreated' | 'streamDeleted'; readonly stream: string }
  | { readonly type: 'streamPurged'; readonly stream: string; readonly messages: number }
  | {
      readonly type: 'groupCreated' | 'groupDeleted' | 'groupReset';
      readonly stream: string;
      readonly group: string;
    }
  | {
      readonly type: 'deadLettered' | 'expired';
      readonly stream: string;
      readonly group: string;
      readonly messages: number;
    }
  | {
      readonly type: 'redelivered';
      readonly stream: string;
      readonly group: string;
      readonly messages: number;
      readonly cause: RedeliveryCause;
    }
  /** Messages are not as they were stored: they were taken out of their stream, and are never delivered. */
  | ({ readonly type: 'damaged' } & Omit<StoredDamage, 'streamId' | 'bytes' | 'endOrdinal'>)
  /** The journal ended in something that is no whole record: it was being written when the broker stopped, or is damaged. */
  | ({ readonly type: 'journalTorn' } & StoredTornEnd)
  | { readonly type: 'failed'; readonly error: Error };
