import { readFileSync } from 'node:fs';
import type { Engine, EngineOptions } from '@simplemq/broker';
import type { Logger } from 'pino';
import { addressesOf } from './listener/addresses.ts';
import { Certificates } from './listener/certificates.ts';
import { Listener } from './listener/listener.ts';
import { TlsDoor } from './listener/tls-door.ts';
import { EngineLog } from './logs/engine-log.ts';
import { openLog, type ServerLog } from './logs/open-log.ts';
import { type RunningServer, Server } from './server.ts';
import { LiveSettings } from './settings/live-settings.ts';
import { loadSettings } from './settings/load-settings.ts';
import type { Settings, SettingsInput } from './settings/settings.ts';
import { userFileOf } from './users/user-file.ts';
import { Users } from './users/users.ts';

/** Settings as in settings.yaml, which override the file's and the environment's, and what only code can give. */
export interface ServerOptions extends SettingsInput {
  /** A YAML file with settings; without it none is read. */
  readonly settingsFile?: string | undefined;
  /** Where to log, instead of where `logs` says. */
  readonly logger?: Logger | undefined;
  /** Used instead of opening the one at `storage.path`. It is closed with the server. */
  readonly engine?: Engine | undefined;
}

/**
 * Starts a broker in this process and takes connections.
 *
 *     await using server = await startServer({ port: 0, storage: { path } });
 *
 * @param options settings, or the path of a settings file
 * @throws SettingsError on settings that are unknown or wrong, StartError when the port cannot be had, or what the
 *   engine throws when its folder cannot be used. Nothing is left behind then
 */
export async function startServer(options: ServerOptions | string = {}): Promise<RunningServer> {
  const { settingsFile, logger, engine, ...input } =
    typeof options === 'string' ? { settingsFile: options } : options;
  const readSettings = (): Settings => loadSettings({ settingsFile, options: input });
  const live = new LiveSettings(readSettings());
  const { settings } = live;
  await using undo = new AsyncDisposableStack();

  const { path } = settings.storage;
  const users = await Users.open(path === ':memory:' ? undefined : userFileOf(path));
  const certificates = await Certificates.open(settings.tls);
  // The port comes before all that writes: when it is in use, no file has been touched.
  let log: ServerLog | undefined;
  const listener = await listen(settings, users, certificates, () => log?.logger);
  undo.defer(() => listener.close());
  log = await openLog(settings.logs, logger);
  undo.defer(log.close);
  const engineLog = new EngineLog(log.logger);
  const opened = engine ?? (await open(settings, engineLog));

  undo.move();
  return new Server({
    live,
    readSettings,
    listener,
    engine: opened,
    engineLog,
    log,
    users,
    certificates,
    serverName: serverName(),
  });
}

async function listen(
  settings: Settings,
  users: Users,
  certificates: Certificates | undefined,
  logger: () => Logger | undefined,
): Promise<Listener> {
  const { host, port, allowRemote } = settings;
  const protection = { hasUsers: users.areOn, hasTls: certificates !== undefined };
  const addresses = await addressesOf(host, allowRemote, protection);
  const onError = (error: Error) => logger()?.error({ err: error }, 'the listener failed');
  const door =
    certificates &&
    new TlsDoor({
      certificates,
      settings,
      onFailed: (address, reason) => logger()?.warn({ address, reason }, 'connection refused'),
    });
  return Listener.listen({ host, port, addresses, onError, ...(door && { door }) });
}

async function open(settings: Settings, engineLog: EngineLog): Promise<Engine> {
  // Loaded only now: a server that was given its engine needs no storage.
  const { openEngine } = await import('@simplemq/broker');
  const { path, cacheBytesMax, maxBytes } = settings.storage;
  const options: EngineOptions = {
    storage: path === ':memory:' ? 'memory' : { path },
    cacheBytesMax,
    maxStreams: settings.limits.maxStreams,
    dedupIdsMax: settings.limits.maxDedupIds,
    producerWindowMs: settings.producerWindowMs,
    onEvent: engineLog.onEvent,
    ...(maxBytes !== undefined && { storageBytesMax: maxBytes }),
  };
  return openEngine(options);
}

function serverName(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return `SimpleMQ ${version}`;
}
