export {
  type CheckOptions,
  type CheckReport,
  checkFolder,
  collectInOneGo,
  type Finding,
} from '@simplemq/broker';
export { restoreBackup } from './operation/restore.ts';
export type { RunningServer, ServerEnd } from './server.ts';
export type { SettingSource } from './settings/given.ts';
export type { Reloaded } from './settings/live-settings.ts';
export {
  type DescribedSetting,
  describeSettings,
  loadSettings,
  type SettingsSources,
} from './settings/load-settings.ts';
export type {
  ClientCertificates,
  LimitSettings,
  LogLevel,
  LogSettings,
  SettingKey,
  Settings,
  SettingsInput,
  StorageSettings,
  TlsSettings,
} from './settings/settings.ts';
export { SettingsError } from './settings/settings-error.ts';
export { StartError, type StartErrorCode } from './start-error.ts';
export { type ServerOptions, startServer } from './start-server.ts';
export { type TokenSummary, UserEditor, type UserSummary } from './users/edit-users.ts';
export { type Grant, patternOfName } from './users/grants.ts';
export { RIGHTS, type Right, ROLE_NAMES, rightsOf } from './users/rights.ts';
