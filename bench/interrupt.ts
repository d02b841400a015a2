/** What a benchmark undoes when it is told to end: servers it started, folders it made. */
type Undo = () => Promise<void>;

const undos = new Set<Undo>();
let interrupted = false;

/** @returns takes it back */
export function onInterrupt(undo: Undo): () => void {
  undos.add(undo);
  return () => undos.delete(undo);
}

/** On Ctrl-C or SIGTERM all is undone, the last first, and the process ends. */
export function undoOnInterrupt(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void undoAll());
}

/** After an interrupt nothing new begins: what fails then fails because of it. */
export async function unlessInterrupted(): Promise<void> {
  if (interrupted) await new Promise(() => {});
}

async function undoAll(): Promise<void> {
  if (interrupted) return;
  interrupted = true;
  process.stderr.write('\nstopping what was started …\n');
  for (const undo of [...undos].reverse()) {
    await undo().catch((error: Error) => process.stderr.write(`${error.message}\n`));
  }
  process.exit(130);
}
