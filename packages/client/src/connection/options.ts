import { hostname } from 'node:os';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { InvalidOption } from '@simplemq/protocol';

export interface ReconnectOptions {
  /** The first delay is random up to this; it doubles with every try. Default 100. */
  minDelayMs?: number;
  /** No delay is longer. Default 2,000. */
  maxDelayMs?: number;
}

export interface ConnectionOptions {
  /** Default localhost. */
  host?: string;
  /** Default 9090. */
  port?: number;
  user?: string;
  /** Or a token. */
  password?: string;
  /** TLS, with Node's own options where the defaults will not do. Default false. */
  tls?: boolean | TlsOptions;
  /** What the broker calls this client in logs and pending entries. Default host name/process id. */
  name?: string;
  /** Milliseconds that a request, and the first connect, may take. Default 30,000. */
  requestTimeoutMs?: number;
  /** Default true: for ever, once the first connect was made. */
  reconnect?: boolean | ReconnectOptions;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions | undefined;
}

export interface Settings {
  readonly endpoint: Endpoint;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly name: string;
  readonly requestTimeoutMs: number;
  readonly reconnect: Required<ReconnectOptions> | undefined;
}

/** The longest that a timer of Node.js can wait; what is longer is over at once. */
export const TIMER_MS_MAX: number = 2 ** 31 - 1;

const KNOWN: readonly string[] = [
  'host',
  'port',
  'user',
  'password',
  'tls',
  'name',
  'requestTimeoutMs',
  'reconnect',
] satisfies (keyof ConnectionOptions)[];

/** @throws InvalidOption, which never quotes a URL: it may hold a password */
export function readSettings(given: ConnectionOptions | string): Settings {
  const options = typeof given === 'string' ? parseUrl(given) : given;
  for (const option of Object.keys(options)) {
    if (!KNOWN.includes(option))
      throw invalid(option, `there is no such option; there are ${KNOWN.join(', ')}`);
  }
  const host = options.host ?? 'localhost';
  if (host === '') throw invalid('host', 'it is empty');
  const tls = options.tls ?? false;
  return {
    endpoint: {
      host,
      port: wholeNumber('port', options.port ?? 9090, 1, 65_535),
      tls: tls === false ? undefined : tls === true ? {} : tls,
    },
    user: options.user,
    password: options.password,
    name: options.name ?? `${hostname()}/${process.pid}`,
    requestTimeoutMs: wholeNumber('requestTimeoutMs', options.requestTimeoutMs ?? 30_000, 1, TIMER_MS_MAX),
    reconnect: readReconnect(options.reconnect ?? true),
  };
}

export function wholeNumber(option: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalid(option, `it must be a whole number from ${least} to ${most}, not ${String(value)}`);
}

export function invalid(option: string, why: string): InstanceType<typeof InvalidOption> {
  return new InvalidOption(`the option '${option}' is wrong: ${why}`, { details: { option } });
}

function readReconnect(reconnect: boolean | ReconnectOptions): Required<ReconnectOptions> | undefined {
  if (reconnect === false) return undefined;
  const { minDelayMs = 100, maxDelayMs = 2_000 } = reconnect === true ? {} : reconnect;
  return {
    minDelayMs: wholeNumber('reconnect.minDelayMs', minDelayMs, 0, TIMER_MS_MAX),
    maxDelayMs: wholeNumber('reconnect.maxDelayMs', maxDelayMs, minDelayMs, TIMER_MS_MAX),
  };
}

function parseUrl(text: string): ConnectionOptions {
  const url = URL.parse(text);
  const form = 'simplemq://user:password@host:9090';
  if (url === null) throw invalid('url', `it cannot be parsed; it should look like ${form}`);
  if (url.protocol !== 'simplemq:' && url.protocol !== 'simplemqs:')
    throw invalid('url', `it begins with ${url.protocol}// and not simplemq://, or simplemqs:// for TLS`);
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '') {
    throw invalid('url', `nothing may follow the port; it should look like ${form}`);
  }
  return {
    ...(url.protocol === 'simplemqs:' && { tls: true }),
    ...(url.hostname !== '' && { host: url.hostname.replace(/^\[(.*)\]$/, '$1') }),
    ...(url.port !== '' && { port: Number(url.port) }),
    ...(url.username !== '' && { user: decoded(url.username) }),
    ...(url.password !== '' && { password: decoded(url.password) }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('url', 'its user or password is not percent-encoded as a URL needs it');
  }
}
