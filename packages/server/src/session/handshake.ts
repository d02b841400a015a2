import {
  BATCH_RECORDS_MAX,
  beginningOf,
  decodeHello,
  encodeWelcome,
  type Hello,
  InvalidOption,
  NAME_LENGTH_MAX,
  PROTOCOL_VERSION,
  Unauthenticated,
  Unsupported,
} from '@simplemq/protocol';
import type { Settings } from '../settings/settings.ts';

/** Features that an answer names of those that are lacking. */
const LACKING_SHOWN_MAX = 5;

/** What a client is, once its HELLO was accepted. */
export interface Peer {
  readonly client: string;
  /** The producer's 16 bytes, as hex. */
  readonly producer: string;
}

/** A HELLO that may be answered with WELCOME, once it is known who comes. */
export interface AcceptedHello {
  readonly peer: Peer;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/** @throws Unsupported, ProtocolViolation or InvalidOption; none of them leaves a connection that can be used */
export function acceptHello(payload: Buffer, features: readonly string[]): AcceptedHello {
  const hello = decodeHello(payload);
  if (hello.version !== PROTOCOL_VERSION) throw otherVersion(hello);
  const lacking = hello.features.filter((feature) => !features.includes(feature));
  if (lacking.length > 0) {
    const shown = lacking.slice(0, LACKING_SHOWN_MAX).map((feature) => beginningOf(feature));
    const more = lacking.length > shown.length ? `, and ${lacking.length - shown.length} more` : '';
    throw new Unsupported(
      `the client cannot do without ${shown.map((feature) => JSON.stringify(feature)).join(', ')}${more}, which this ` +
        `server lacks; it has ${features.length === 0 ? 'no features beyond the protocol' : features.join(', ')}`,
      { details: { features: shown } },
    );
  }
  if (hello.client.length > NAME_LENGTH_MAX) {
    throw new InvalidOption(
      `the client's name has ${hello.client.length} characters; the limit is ${NAME_LENGTH_MAX}`,
      { details: { option: 'client' } },
    );
  }
  return {
    peer: { client: hello.client, producer: hello.producer.toString('hex') },
    user: hello.user,
    password: hello.password,
  };
}

/**
 * What is to be checked of a HELLO; undefined where there are no users.
 *
 * @throws Unsupported, Unauthenticated
 */
export function credentialsOf(
  { user, password }: AcceptedHello,
  hasUsers: boolean,
): { readonly user: string; readonly password: string } | undefined {
  if (!hasUsers) {
    if (user === undefined && password === undefined) return undefined;
    throw new Unsupported('this server has no users; connect without user and password', {
      details: { feature: 'users' },
    });
  }
  if (user !== undefined && password !== undefined) return { user, password };
  throw new Unauthenticated('this server has users; connect with a user, and with a password or token');
}

/** The WELCOME of this server, which is the same for all but for its request id. */
export function welcomeOf(
  requestId: number,
  server: string,
  settings: Settings,
  features: readonly string[],
): Buffer {
  const { maxFrameBytes, maxMessageBytes, maxUnconfirmedBatches } = settings.limits;
  return encodeWelcome(requestId, {
    version: PROTOCOL_VERSION,
    server,
    heartbeatMs: settings.heartbeatMs,
    limits: {
      maxFrameBytes,
      maxMessageBytes,
      maxBatchRecords: BATCH_RECORDS_MAX,
      maxUnconfirmedBatches,
      producerWindowMs: settings.producerWindowMs,
    },
    features,
  });
}

function otherVersion(hello: Hello): Error {
  const older = hello.version < PROTOCOL_VERSION ? 'client' : 'server';
  return new Unsupported(
    `the client speaks version ${hello.version} of the protocol and this server version ${PROTOCOL_VERSION}; ` +
      `update the ${older}`,
    { details: { version: PROTOCOL_VERSION, clientVersion: hello.version } },
  );
}
