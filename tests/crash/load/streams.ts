/** Streams with competing followers. */
export const ORDERS = 'crash.orders';
export const BILLS = 'crash.bills';
export const AUDIT = 'crash.audit';
/** What is published to this pattern must reach all of these or none. */
export const ALL_PATTERN: RegExp = /^crash\./;
export const ALL: readonly string[] = [ORDERS, BILLS, AUDIT];
/** A stream with one follower, which must see it in order. */
export const SOLO = 'solo';
export const STREAMS: readonly string[] = [...ALL, SOLO];
/** In the name of a publisher whose messages go to all of `ALL`. */
export const TO_ALL = 'to-all';
