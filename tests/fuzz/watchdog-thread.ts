import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { saveFailure } from './corpus.ts';
import type { Watched } from './watchdog.ts';

const LOOK_MS = 5_000;
/** Much longer than any input may take, on a machine that is busy. */
const LOOKS_MAX = 6;

const { numbers, input, folder, target } = workerData as Watched;
let seen = -1;
let looks = 0;

setInterval(() => {
  const number = Atomics.load(numbers, 0);
  looks = number === seen ? looks + 1 : 0;
  seen = number;
  if (looks < LOOKS_MAX || number === 0) return;
  const stuck = Buffer.from(input.slice(0, numbers[1]));
  const file = saveFailure(folder, stuck);
  const text = `\n${target}: an input is read for ${(LOOKS_MAX * LOOK_MS) / 1_000} s, and no end to it\n${stuck.toString('hex')}\nkept as ${file}\n`;
  writeSync(2, text);
  process.kill(process.pid, 'SIGKILL');
}, LOOK_MS);
