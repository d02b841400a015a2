import {
  BATCH_RECORDS_MAX,
  decodeHello,
  encodeWelcome,
  type Hello,
  InvalidOption,
  NAME_LENGTH_MAX,
  PROTOCOL_VERSION,
  Unsupported,
} from '@simplemq/protocol';
import type { Settings } from '../settings/settings.ts';

/** What a client is, once its HELLO was accepted. */
export interface Peer {
  readonly client: string;
  /** The producer's 16 bytes, as hex. */
  readonly producer: string;
}

/** @throws Unsupported, ProtocolViolation or InvalidOption; none of them leaves a connection that can be used */
export function acceptHello(payload: Buffer, features: readonly string[]): Peer {
  const hello = decodeHello(payload);
  if (hello.version !== PROTOCOL_VERSION) throw otherVersion(hello);
  const lacking = hello.features.filter((feature) => !features.includes(feature));
  if (lacking.length > 0) {
    throw new Unsupported(
      `the client cannot do without ${lacking.map((feature) => JSON.stringify(feature)).join(', ')}, which this ` +
        `server lacks; it has ${features.length === 0 ? 'no features beyond the protocol' : features.join(', ')}`,
      { details: { features: lacking } },
    );
  }
  if (hello.user !== undefined || hello.password !== undefined) {
    throw new Unsupported('this server has no users; connect without user and password', {
      details: { feature: 'users' },
    });
  }
  if (hello.client.length > NAME_LENGTH_MAX) {
    throw new InvalidOption(
      `the client's name has ${hello.client.length} characters; the limit is ${NAME_LENGTH_MAX}`,
      { details: { option: 'client' } },
    );
  }
  return { client: hello.client, producer: hello.producer.toString('hex') };
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
