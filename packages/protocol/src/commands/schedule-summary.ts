import type { Fields } from '../envelope/fields.ts';
import { present } from '../envelope/present.ts';

/** What there is to tell of a schedule. */
export interface ScheduleSummary {
  readonly name: string;
  /** Where it publishes. */
  readonly stream: string;
  /** Five or six fields. */
  readonly cron: string;
  /** An IANA name. */
  readonly timezone: string;
  readonly paused: boolean;
  /** When it publishes next, in milliseconds since 1970 UTC; absent when it is paused or has no next time. */
  readonly nextAt?: number;
  /** When it published last; absent when it never did. */
  readonly lastAt?: number;
}

export function readScheduleSummary(fields: Fields): ScheduleSummary {
  return present<ScheduleSummary>({
    name: fields.string('name'),
    stream: fields.string('stream'),
    cron: fields.string('cron'),
    timezone: fields.string('timezone'),
    paused: fields.boolean('paused'),
    nextAt: fields.optionalInteger('nextAt'),
    lastAt: fields.optionalInteger('lastAt'),
  });
}
