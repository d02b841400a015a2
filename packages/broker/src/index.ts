export { DEFAULT_GROUP, LEASE_MS_DEFAULT } from './engine/embedded-engine.ts';
export type * from './engine/engine.ts';
export type * from './engine/events.ts';
export { type EngineOptions, openEngine } from './engine/open-engine.ts';
