declare module 'pino-roll' {
  import type { pino } from 'pino';

  /** What this server uses of it. */
  export interface RollOptions {
    file: string;
    extension?: string;
    frequency?: 'daily' | 'hourly' | number;
    size?: string;
    limit?: { count: number };
    mkdir?: boolean;
  }

  export default function roll(options: RollOptions): Promise<ReturnType<typeof pino.destination>>;
}
