/** Settings that are not at their defaults, so that the last points of the curves are allowed. */
export const LIMITS = { maxStreams: 101_000, maxConnections: 11_000 } as const;
