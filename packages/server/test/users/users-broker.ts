import { type Right, type ServerOptions, UserEditor } from '@simplemq/server';
import {
  RawPeer,
  startTestBroker,
  type TemporaryFolder,
  type TestBroker,
  temporaryFolder,
} from '@simplemq/testkit';
import { pino } from 'pino';

/** What users there are, and what each may do: rights by pattern. */
export type GivenUsers = Readonly<Record<string, Readonly<Record<string, readonly Right[]>>>>;

/** A broker with users, each with a token; its log is kept. */
export class UsersBroker {
  readonly broker: TestBroker;
  readonly users: UserEditor;
  readonly path: string;
  readonly tokens: ReadonlyMap<string, string>;
  readonly logLines: readonly string[];
  readonly #folder: TemporaryFolder;

  private constructor(
    broker: TestBroker,
    users: UserEditor,
    folder: TemporaryFolder,
    tokens: ReadonlyMap<string, string>,
    logLines: readonly string[],
  ) {
    this.broker = broker;
    this.users = users;
    this.path = folder.path;
    this.#folder = folder;
    this.tokens = tokens;
    this.logLines = logLines;
  }

  static async start(given: GivenUsers, options: ServerOptions = {}): Promise<UsersBroker> {
    const folder = await temporaryFolder();
    const users = new UserEditor(folder.path);
    const tokens = new Map<string, string>();
    for (const [name, grants] of Object.entries(given)) {
      await users.add(name);
      for (const [pattern, rights] of Object.entries(grants)) await users.grant(name, rights, pattern);
      tokens.set(name, await users.addToken(name, 'test', undefined));
    }
    const logLines: string[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => void logLines.push(line) });
    const broker = await startTestBroker({ logger, ...options, storage: { path: folder.path } });
    return new UsersBroker(broker, users, folder, tokens, logLines);
  }

  get port(): number {
    return this.broker.port;
  }

  /** Opens a connection as a user, by the token. */
  as(user: string): Promise<RawPeer> {
    return RawPeer.open(this.broker, { user, password: this.tokens.get(user)! });
  }

  /** Lines of the log with this `event`. */
  events(event: string): Record<string, unknown>[] {
    const lines = this.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    return lines.filter((line) => line.event === event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}
