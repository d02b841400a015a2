import process from 'node:process';

/** The end of a child process that speaks to the demo: what it was told at the start, and what it reports. */
export class ChildLink<Arguments, Message> {
  readonly arguments: Arguments = JSON.parse(process.argv[2] ?? '{}') as Arguments;

  constructor() {
    // A demo that is gone, however it went, leaves no process behind.
    process.on('disconnect', () => process.exit());
    // Ctrl-C reaches every process of the terminal; the demo is the one that ends the others.
    process.on('SIGINT', () => {});
    // Speaking to the demo is no reason to stay alive.
    process.channel?.unref();
  }

  send(message: Message): void {
    if (process.connected) process.send?.(message);
  }

  /** Calls `report` so often, and once more at the end; that keeps no process alive. */
  every(intervalMs: number, report: () => void): void {
    setInterval(report, intervalMs).unref();
    process.on('beforeExit', report);
  }

  /** The demo asks for an orderly end. */
  onStop(stop: () => void): void {
    process.once('SIGTERM', stop);
  }
}
