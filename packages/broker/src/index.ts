export type * from './engine/engine.ts';
export type * from './engine/events.ts';
export { LEASE_MS_DEFAULT } from './engine/follower-set.ts';
export { type EngineOptions, openEngine } from './engine/open-engine.ts';
export { DEFAULT_GROUP } from './engine/stream-registry.ts';
export { collectInOneGo } from './garbage.ts';
export { Pattern } from './routing/pattern.ts';
export { type Restored, type RestoreOptions, restoreBackup } from './store/backup/restore.ts';
export { RestoreError } from './store/backup/restore-error.ts';
export {
  type CheckOptions,
  type CheckReport,
  checkFolder,
} from './store/sqlite/check-folder.ts';
export type { Finding } from './store/sqlite/findings.ts';
export type { BackupPiece, StoreHealth, StoreWait } from './store/store.ts';
