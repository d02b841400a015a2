import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { RunningServer } from './processes.ts';

const CLI = fileURLToPath(new URL('../packages/cli/bin/simplemq.js', import.meta.url));

/** `simplemq backup`, over and over. */
export class Backups {
  done = 0;
  bytes = 0;
  readonly #server: RunningServer;
  readonly #file: string;
  #isOn = false;
  #running: Promise<void> = Promise.resolve();

  constructor(server: RunningServer, file: string) {
    this.#server = server;
    this.#file = file;
  }

  start(): void {
    this.#isOn = true;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { hostname: host, port } = new URL(this.#server.address);
    while (this.#isOn) {
      const args = [
        '--conditions=@simplemq/source',
        CLI,
        'backup',
        this.#file,
        `--host=${host}`,
        `--port=${port}`,
      ];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      const [code] = (await once(child, 'exit')) as [number];
      if (code !== 0) throw new Error('a backup failed');
      this.bytes = (await stat(this.#file)).size;
      await rm(this.#file);
      this.done++;
    }
  }
}
