import { join } from 'node:path';
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import roll from 'pino-roll';
import type { LogLevel, LogSettings } from '../settings/settings.ts';
import { StartError } from '../start-error.ts';
import { prettyLine } from './pretty-lines.ts';

export interface ServerLog {
  readonly logger: Logger;
  /** A logger that the caller gave keeps its own. */
  setLevel(level: LogLevel): void;
  /** Settles when all that was logged is written. */
  close(): Promise<void>;
}

const STANDARD_ERROR = 2;

/**
 * Where the server writes its log: the folder that is set, as JSON lines; else standard error, as text for people when
 * that is a terminal and as JSON lines when it is not. A `logger` that the caller gave is used as it is.
 */
export async function openLog(settings: LogSettings, logger?: Logger): Promise<ServerLog> {
  if (logger !== undefined) return { logger, setLevel: () => {}, close: async () => {} };
  if (settings.path !== undefined) return openFolder(settings.level, settings.path);
  return openStandardError(settings.level);
}

function openStandardError(level: string): ServerLog {
  if (process.stderr.isTTY) {
    const colors = process.stderr.hasColors() && process.env.NO_COLOR === undefined;
    const lines: DestinationStream = { write: (json) => process.stderr.write(prettyLine(json, colors)) };
    return logTo(pino(optionsOf(level), lines), async () => {});
  }
  const stream = pino.destination({ dest: STANDARD_ERROR, sync: false });
  return logTo(pino(optionsOf(level), stream), () => flushed(stream));
}

function logTo(logger: Logger, close: () => Promise<void>): ServerLog {
  const setLevel = (level: LogLevel): void => {
    logger.level = level;
  };
  return { logger, setLevel, close };
}

async function openFolder(level: string, folder: string): Promise<ServerLog> {
  const file = join(folder, 'simplemq');
  try {
    // In this process: a log of connections and errors is too little to pay a thread for.
    const stream = await roll({
      file,
      extension: '.log',
      frequency: 'daily',
      size: '64m',
      limit: { count: 14 },
      mkdir: true,
    });
    await opened(stream);
    const logger = pino(optionsOf(level), stream);
    // A disk that is full must not end the broker for the sake of its log.
    stream.on('error', (error) => process.emitWarning(`the log cannot be written: ${error.message}`));
    return logTo(logger, () => ended(stream));
  } catch (cause) {
    const { message } = cause as Error;
    throw new StartError('LogsNotWritable', `the log folder ${folder} is not writable: ${message}`, {
      cause,
    });
  }
}

function optionsOf(level: string): LoggerOptions {
  return { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
}

type LogStream = ReturnType<typeof pino.destination>;

function opened(stream: LogStream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('ready', resolve);
    stream.once('error', reject);
  });
}

function flushed(stream: LogStream): Promise<void> {
  return new Promise((resolve) => stream.flush(() => resolve()));
}

/** Also of a stream that failed before: a log must never keep a server from closing. */
function ended(stream: LogStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', resolve);
    stream.once('error', () => resolve());
    try {
      stream.end();
    } catch {
      resolve();
    }
  });
}
