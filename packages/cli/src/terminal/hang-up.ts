/**
 * Calls `reload` at each SIGHUP, until it is disposed of. A process that has a terminal is left alone: there SIGHUP says
 * that the terminal is gone, and ends the process.
 */
export function onHangUp(reload: () => Promise<unknown>): Disposable {
  const listener = (): void => {
    // The log tells what is wrong with the settings; they stay as they were.
    reload().catch(() => {});
  };
  if (!process.stdin.isTTY && !process.stderr.isTTY) process.on('SIGHUP', listener);
  return { [Symbol.dispose]: () => process.off('SIGHUP', listener) };
}
