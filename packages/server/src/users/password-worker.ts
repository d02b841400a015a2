import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { PasswordReply, PasswordRequest } from './password-thread.ts';
import { deriveHere } from './passwords.ts';

/** The threads that commit have nine times its share of a core that they want too; https://man7.org/linux/man-pages/man7/sched.7.html. */
const NICE = 10;

/** On Linux a thread has a priority of its own, under its own number; elsewhere it stays as it is. */
function giveWay(): void {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), NICE);
  } catch {}
}

giveWay();
parentPort!.on('message', ({ password, salt, cost }: PasswordRequest) => {
  const before = process.threadCpuUsage();
  const hash = deriveHere(password, salt, cost);
  const { user, system } = process.threadCpuUsage(before);
  parentPort!.postMessage({ hash, workedMs: (user + system) / 1_000 } satisfies PasswordReply);
});
