/** Limits that nothing sets; docs/LIMITS.md has them. */
export const SCHEDULES_MAX = 10_000;
/** Schedules are kept in memory, with their messages, and loaded at each start. */
export const SCHEDULE_BYTES_MAX: number = 256 * 1024;
/** Of the messages of all schedules together. */
export const SCHEDULES_BYTES_MAX: number = 64 * 1024 * 1024;
export const CRON_LENGTH_MAX = 256;
export const TIMEZONE_LENGTH_MAX = 64;

/** Bytes of messages that one publish or transaction may bring to the disk, on all of its streams together. */
export const PUBLISH_BYTES_MAX: number = 256 * 1024 * 1024;
/**
 * And all that is collected for one commit: what comes from the network is counted once there, and not for each stream
 * that it goes to.
 */
export const COMMIT_BYTES_MAX: number = 1024 * 1024 * 1024;

/** What is kept of an error or a reason, and how long a part of one may be that is looked for. */
export const ERROR_LENGTH_MAX = 1_000;

export const GROUPS_PER_STREAM_MAX = 10_000;
/** In all; where there are many streams, GROUPS_FOR_EACH_STREAM for each of them, if that is more. */
export const GROUPS_MAX = 100_000;
export const GROUPS_FOR_EACH_STREAM = 4;

/** What it may take to try one pattern against all names, and so hold up everybody else. */
export const MATCH_MS_MAX = 250;
/** And so much more for each name: usual patterns take 1 to 5 µs. */
export const MATCH_NAME_US_MAX = 10;
