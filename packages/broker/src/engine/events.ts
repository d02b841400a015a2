import type { RedeliveryCause } from '../group/group.ts';

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
  | { readonly type: 'failed'; readonly error: Error };
