export { collectInOneGo } from './process/collector.ts';
export type { RunningServer, ServerEnd } from './server.ts';
export type { SettingSource } from './settings/given.ts';
export {
  type DescribedSetting,
  describeSettings,
  loadSettings,
  type SettingsSources,
} from './settings/load-settings.ts';
export type {
  LimitSettings,
  LogLevel,
  LogSettings,
  SettingKey,
  Settings,
  SettingsInput,
  StorageSettings,
} from './settings/settings.ts';
export { SettingsError } from './settings/settings-error.ts';
export { StartError, type StartErrorCode } from './start-error.ts';
export { type ServerOptions, startServer } from './start-server.ts';
