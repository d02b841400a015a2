import { type StatsListener, unwatchFile, watchFile } from 'node:fs';
import type { AuditLog, UserChange } from '../logs/audit-log.ts';
import { StartError } from '../start-error.ts';
import { Grants } from './grants.ts';
import { readUserFile } from './user-file.ts';
import type { TokenRecord, UserRecord } from './user-record.ts';

/** How often it is looked whether the file has changed. */
const LOOK_MS = 500;

/** A user as the broker knows one: what is on file, and the rights, compiled. */
export interface User {
  readonly name: string;
  readonly record: UserRecord;
  readonly grants: Grants;
}

/** A login that was right, by the password or by a token. */
export interface Login {
  readonly user: User;
  readonly token: TokenRecord | undefined;
}

/** What becomes of a connection when the users have changed. */
export type Standing = 'fine' | 'other rights' | 'gone';

/**
 * The users of a broker, as they are in its data folder at this moment.
 *
 * Invariant: once there were users nobody gets in without being one of them, until the broker is started anew. So a file
 * that is lost or broken opens nothing.
 */
export class Users {
  readonly #file: string | undefined;
  #users: ReadonlyMap<string, User>;
  #areOn: boolean;
  #audit: AuditLog | undefined;
  #onChanged: () => void = () => undefined;
  #reloading: Promise<void> | undefined;

  private constructor(file: string | undefined, records: readonly UserRecord[]) {
    this.#file = file;
    this.#users = new Map(records.map((record) => [record.name, userOf(record)]));
    this.#areOn = records.length > 0;
  }

  /**
   * @param file undefined for a broker that has no data folder, and no users
   * @throws StartError
   */
  static async open(file: string | undefined): Promise<Users> {
    try {
      return new Users(file, file === undefined ? [] : ((await readUserFile(file)) ?? []));
    } catch (cause) {
      throw new StartError('UsersNotReadable', `${(cause as Error).message}; nobody could log in`, { cause });
    }
  }

  /** Whether one has to be a user. */
  get areOn(): boolean {
    return this.#areOn;
  }

  find(name: string): User | undefined {
    return this.#users.get(name);
  }

  /** Looks at the file from time to time; `onChanged` is called when it has made a difference. */
  watch(audit: AuditLog, onChanged: () => void): void {
    this.#audit = audit;
    this.#onChanged = onChanged;
    if (this.#file === undefined) return;
    watchFile(this.#file, { interval: LOOK_MS, persistent: false }, this.#looked);
    // It may have changed since it was read.
    void this.reload();
  }

  close(): void {
    if (this.#file !== undefined) unwatchFile(this.#file, this.#looked);
  }

  /** Reads the file again. What cannot be read changes nothing, and is told in the log. */
  reload(): Promise<void> {
    this.#reloading = (this.#reloading ?? Promise.resolve()).then(() => this.#reload());
    return this.#reloading;
  }

  /** Whether a connection that was opened with `login` may stay as it is. */
  standing(login: Login | undefined): Standing {
    if (!this.#areOn) return 'fine';
    const now = login === undefined ? undefined : this.#users.get(login.user.name);
    if (login === undefined || now === undefined) return 'gone';
    const { record } = login.user;
    const isGone =
      login.token === undefined
        ? now.record.password?.hash !== record.password?.hash
        : !now.record.tokens.some((token) => isSame(token, login.token));
    if (isGone) return 'gone';
    return isSame(now.record.grants, record.grants) ? 'fine' : 'other rights';
  }

  readonly #looked: StatsListener = () => void this.reload();

  async #reload(): Promise<void> {
    if (this.#file === undefined) return;
    let records: readonly UserRecord[] | undefined;
    try {
      records = await readUserFile(this.#file);
      if (records === undefined && this.#areOn) throw new Error(`the users in ${this.#file} are gone`);
    } catch (error) {
      this.#audit?.usersNotRead(error as Error);
      return;
    }
    const changes = this.#take(records ?? []);
    for (const change of changes) this.#audit?.userChanged(change);
    if (changes.length > 0) this.#onChanged();
  }

  #take(records: readonly UserRecord[]): UserChange[] {
    const before = this.#users;
    const users = new Map<string, User>();
    const changes: UserChange[] = [];
    for (const record of records) {
      const known = before.get(record.name);
      const isKnown = known !== undefined && isSame(known.record, record);
      users.set(record.name, isKnown ? known : userOf(record));
      if (!isKnown) changes.push({ change: known === undefined ? 'added' : 'changed', user: record.name });
    }
    for (const name of before.keys()) if (!users.has(name)) changes.push({ change: 'removed', user: name });
    this.#users = users;
    this.#areOn ||= users.size > 0;
    return changes;
  }
}

function userOf(record: UserRecord): User {
  return { name: record.name, record, grants: new Grants(record.grants) };
}

/** Both are plain values that were read from JSON by the same schema, which puts their keys in one order. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
