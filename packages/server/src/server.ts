import type { Engine } from '@simplemq/broker';
import { type Health, InvalidOption, type SimpleMQError, StorageFailed } from '@simplemq/protocol';
import type { Logger } from 'pino';
import { Deadline } from './deadline.ts';
import type { Certificates } from './listener/certificates.ts';
import type { Listener } from './listener/listener.ts';
import { AuditLog } from './logs/audit-log.ts';
import type { EngineLog } from './logs/engine-log.ts';
import type { ServerLog } from './logs/open-log.ts';
import { readinessOf } from './operation/readiness.ts';
import { Watchdog } from './operation/watchdog.ts';
import { IntakeTotal } from './session/intake.ts';
import { Sessions } from './session/sessions.ts';
import type { LiveSettings, Reloaded } from './settings/live-settings.ts';
import type { Settings } from './settings/settings.ts';
import { SettingsError } from './settings/settings-error.ts';
import { Logins } from './users/logins.ts';
import type { Users } from './users/users.ts';

/** A server that is running. */
export interface RunningServer {
  /** As it was set. */
  readonly host: string;
  /** The port that was taken, also when 0 was set. */
  readonly port: number;
  /** Settles once the server is closed: with an error when it closed because its engine failed. Never rejects. */
  readonly ended: Promise<ServerEnd>;
  /**
   * Reads the settings again, from where they came at the start, and takes over those that may change while it runs; and
   * the users and certificates, which are looked at by themselves too, twice a second.
   *
   * @throws InvalidOption when the settings are wrong, with a line for each mistake; none was changed
   */
  reload(): Promise<Reloaded>;
  /**
   * Takes no more connections and requests, tells the clients, answers what it took, finishes the commits and closes;
   * after shutdownTimeoutMs it gives up on what is not done. Calling it again waits for the same.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ServerEnd {
  readonly error?: Error;
}

/** The parts of a server, all of them started. The server closes them. */
export interface ServerParts {
  readonly live: LiveSettings;
  /** Reads the settings again. @throws SettingsError */
  readonly readSettings: () => Settings;
  readonly listener: Listener;
  readonly engine: Engine;
  readonly engineLog: EngineLog;
  readonly log: ServerLog;
  readonly users: Users;
  readonly certificates: Certificates | undefined;
  readonly serverName: string;
}

/** Time that clients have to take their last bytes, even when the shutdown's own is over. */
const LAST_BYTES_MS = 250;

export class Server implements RunningServer {
  readonly host: string;
  readonly port: number;
  readonly ended: Promise<ServerEnd>;
  readonly #parts: ServerParts;
  readonly #logger: Logger;
  readonly #audit: AuditLog;
  readonly #logins: Logins;
  readonly #intake: IntakeTotal;
  readonly #sessions: Sessions;
  readonly #live: LiveSettings;
  readonly #watchdog: Watchdog;
  readonly #upSince: number = Date.now();
  #closing: Promise<void> | undefined;
  #resolveEnded!: (end: ServerEnd) => void;

  constructor(parts: ServerParts) {
    const { listener, engine, log, users, certificates, serverName } = parts;
    this.#parts = parts;
    this.#live = parts.live;
    const { settings } = this.#live;
    this.#logger = log.logger;
    this.host = settings.host;
    this.port = listener.port;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#audit = new AuditLog(this.#logger);
    this.#logins = new Logins(users, this.#audit);
    this.#intake = new IntakeTotal(settings.limits);
    this.#sessions = new Sessions({
      engine,
      settings,
      logger: this.#logger,
      intake: this.#intake,
      operation: { health: () => this.health(), reload: () => this.reload() },
      users,
      logins: this.#logins,
      audit: this.#audit,
      serverName,
    });
    this.#watchdog = new Watchdog(engine, settings, this.#logger);
    users.watch(this.#audit, () => this.#sessions.checkStandings());
    certificates?.watch(this.#audit);
    engine.ended.then(({ error }) => error && this.#engineFailed(error));
    listener.accept(this.#sessions.accept);
    const { host, port } = this;
    this.#logger.info(
      {
        host,
        port,
        storage: settings.storage.path,
        users: users.areOn,
        tls: certificates !== undefined,
        server: serverName,
      },
      'server started',
    );
  }

  /** Whether it is ready, as HEALTH tells it. */
  health(): Health {
    const { engine, serverName } = this.#parts;
    const readiness = readinessOf(engine.health(), this.#live.settings, this.#closing !== undefined);
    return { server: serverName, upSince: this.#upSince, ...readiness };
  }

  async reload(): Promise<Reloaded> {
    const { users, certificates } = this.#parts;
    await Promise.all([users.reload(), certificates?.reload()]);
    const reloaded = this.#live.apply(this.#readSettings());
    this.#parts.log.setLevel(this.#live.settings.logs.level);
    this.#sessions.settingsChanged();
    this.#logger.info(reloaded, 'settings reloaded');
    return reloaded;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close('the server is shutting down');
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #readSettings(): Settings {
    try {
      return this.#parts.readSettings();
    } catch (cause) {
      if (!(cause instanceof SettingsError)) throw cause;
      this.#logger.error({ problems: cause.problems }, 'the settings are wrong, and stay as they were');
      throw new InvalidOption(`the settings stay as they were: ${cause.problems.join('; ')}`, {
        cause,
        details: { problems: cause.problems },
      });
    }
  }

  #engineFailed(error: Error): void {
    this.#logger.fatal({ err: error }, 'the engine failed; the server closes');
    const failure = new StorageFailed(`the storage failed: ${error.message}`, { cause: error });
    this.#closing ??= this.#close(failure.message, failure);
  }

  async #close(reason: string, failure?: SimpleMQError): Promise<void> {
    const { listener, log, engineLog, users, certificates } = this.#parts;
    const { settings } = this.#live;
    const deadline = new Deadline(settings.shutdownTimeoutMs);
    this.#logger.info({ reason, connections: this.#sessions.size }, 'server closing');
    listener.close();
    users.close();
    certificates?.close();
    this.#sessions.drain(reason, failure);
    if (!(await deadline.holds(this.#intake.whenIdle()))) {
      this.#logger.warn('shutdownTimeoutMs is over: some requests were not answered');
    }
    await this.#closeEngine(deadline);
    this.#watchdog.stop();
    await this.#endSessions(reason, settings.shutdownTimeoutMs);
    await this.#logins.close();
    engineLog.flush();
    this.#audit.flush();
    this.#logger.info('server closed');
    await log.close();
    this.#resolveEnded(failure === undefined ? {} : { error: failure });
  }

  async #closeEngine(deadline: Deadline): Promise<void> {
    try {
      const isClosed = await deadline.holds(this.#parts.engine.close());
      if (!isClosed) this.#logger.error('shutdownTimeoutMs is over: the engine was left closing');
    } catch (error) {
      this.#logger.error({ err: error }, 'the engine did not close as it should');
    }
  }

  async #endSessions(reason: string, timeoutMs: number): Promise<void> {
    this.#sessions.end(reason);
    const isEmpty = await new Deadline(Math.min(timeoutMs, LAST_BYTES_MS)).holds(this.#sessions.whenEmpty());
    if (isEmpty) return;
    this.#sessions.destroy(reason);
    await this.#sessions.whenEmpty();
  }
}
