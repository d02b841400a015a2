export type Priority = 'low' | 'normal' | 'high' | 'critical';

/** By their number on the wire. */
export const PRIORITIES: readonly Priority[] = ['low', 'normal', 'high', 'critical'];
