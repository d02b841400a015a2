/** All that a deployment may set, resolved. What each means, its unit and its default: definitions.ts. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly allowRemote: boolean;
  readonly tls: TlsSettings;
  readonly storage: StorageSettings;
  readonly limits: LimitSettings;
  readonly heartbeatMs: number;
  readonly handshakeTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly producerWindowMs: number;
  readonly backupPatienceMs: number;
  readonly logs: LogSettings;
}

export interface TlsSettings {
  /** Absolute paths of PEM files. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly ca: string | undefined;
  readonly clientCertificates: ClientCertificates;
}

export type ClientCertificates = (typeof CLIENT_CERTIFICATES)[number];

export const CLIENT_CERTIFICATES: readonly ['none', 'request', 'require'] = ['none', 'request', 'require'];

export interface StorageSettings {
  /** An absolute folder, or ':memory:'. */
  readonly path: string;
  readonly cacheBytesMax: number;
  readonly maxBytes: number | undefined;
  readonly slowAfterMs: number;
}

export interface LimitSettings {
  readonly maxConnections: number;
  readonly maxMessageBytes: number;
  readonly maxFrameBytes: number;
  readonly maxUnconfirmedBatches: number;
  readonly maxUnconfirmedBytes: number;
  readonly maxUnconfirmedBytesTotal: number;
  readonly maxOutgoingBytes: number;
  readonly maxFollowersPerConnection: number;
  readonly maxStreams: number;
  readonly maxDedupIds: number;
}

export interface LogSettings {
  readonly level: LogLevel;
  /** An absolute folder. */
  readonly path: string | undefined;
}

export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_LEVELS: readonly ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] = [
  'trace',
  'debug',
  'info',
  'warn',
  'error',
  'fatal',
  'silent',
];

/** Settings as they are given in code: each optional, sizes as numbers of bytes or as '64MiB'. */
export type SettingsInput = Given<Settings>;

type Given<T> = {
  readonly [K in keyof T]?:
    | (NonNullable<T[K]> extends object ? Given<NonNullable<T[K]>> : NonNullable<T[K]> | Size<K>)
    | undefined;
};

type Size<K> = K extends `${string}Bytes${string}` ? string : never;

/** Every setting by its dotted name, as 'limits.maxConnections'. */
export type SettingKey = Leaves<Settings>;

type Leaves<T> = {
  [K in keyof T & string]: NonNullable<T[K]> extends object ? `${K}.${Leaves<NonNullable<T[K]>>}` : K;
}[keyof T & string];

export type SettingValue<K extends SettingKey> = ValueAt<Settings, K>;

type ValueAt<T, K extends string> = K extends `${infer Group}.${infer Rest}`
  ? Group extends keyof T
    ? ValueAt<NonNullable<T[Group]>, Rest>
    : never
  : K extends keyof T
    ? T[K]
    : never;
