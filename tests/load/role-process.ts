import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Facts } from './role.ts';

/** A role in a process of its own, so that its work is nobody else's. */
export class RoleProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(name: string, orders: object) {
    this.#name = name;
    const file = fileURLToPath(new URL(`./roles/${name}.ts`, import.meta.url));
    this.#child = fork(file, [JSON.stringify(orders)], {
      execArgv: ['--conditions=@simplemq/source'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#exited = once(this.#child, 'exit');
  }

  /** Settles when its load is there. */
  static async start(name: string, orders: object): Promise<RoleProcess> {
    const role = new RoleProcess(name, orders);
    await role.#message();
    return role;
  }

  /** Ends it. @returns what it saw */
  async stop(): Promise<Facts> {
    const told = this.#message();
    this.#child.send('stop');
    const facts = (await told) as Facts;
    this.#child.send('told');
    await this.#exited;
    return facts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #message(): Promise<unknown> {
    const gone = this.#exited.then(() => {
      throw new Error(`the role '${this.#name}' ended before it was told to: see what it wrote above`);
    });
    const [message] = (await Promise.race([once(this.#child, 'message'), gone])) as [unknown];
    return message;
  }
}
