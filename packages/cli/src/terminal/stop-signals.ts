/** One Ctrl-C may arrive twice, from the terminal and from npm: what follows this soon is the same. */
const SAME_PRESS_MS = 500;

/** Calls `stop` at the first SIGINT or SIGTERM; a later one ends the process at once. Until it is disposed of. */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void): Disposable {
  let firstAt: number | undefined;
  const listener = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      stop(signal);
    } else if (performance.now() - firstAt > SAME_PRESS_MS) {
      process.exit(1);
    }
  };
  process.on('SIGINT', listener).on('SIGTERM', listener);
  return {
    [Symbol.dispose]: () => {
      process.off('SIGINT', listener).off('SIGTERM', listener);
    },
  };
}
