/** Limits that nothing sets; docs/LIMITS.md has them. */
export const SCHEDULES_MAX = 10_000;
/** Schedules are kept in memory, with their messages, and loaded at each start. */
export const SCHEDULE_BYTES_MAX: number = 256 * 1024;
/** Of the messages of all schedules together. */
export const SCHEDULES_BYTES_MAX: number = 64 * 1024 * 1024;
export const CRON_LENGTH_MAX = 256;
export const TIMEZONE_LENGTH_MAX = 64;
