/** One listener for all workers of the process: each of their own would be a leak to Node's eyes from the 11th on. */
const callbacks = new Set<() => void>();

function onSigterm(): void {
  for (const callback of [...callbacks]) callback();
}

/** Calls `callback` on SIGTERM, which does not end the process meanwhile. @returns what undoes that */
export function onTermination(callback: () => void): () => void {
  if (callbacks.size === 0) process.on('SIGTERM', onSigterm);
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size === 0) process.off('SIGTERM', onSigterm);
  };
}
