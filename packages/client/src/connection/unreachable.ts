import { errorOf, type SimpleMQError } from '@simplemq/protocol';
import { type ConnectFailure, type ConnectFailureKind, TLS_NEEDED } from './connect-failure.ts';
import type { Endpoint } from './options.ts';

/** The error of a connection that was never made, in one line: where it was to go, why it could not, what to do. */
export function unreachable(error: SimpleMQError, { host, port }: Endpoint): SimpleMQError {
  const failure = failureIn(error);
  if (error.code !== 'ConnectionLost' && failure === undefined) return error;
  const code = typeof error.details.cause === 'string' ? error.details.cause : undefined;
  const cause = code ?? error.message;
  const why =
    failure === undefined
      ? ` (${cause}); is it running there?`
      : `: ${failure.reason}${code === undefined ? '' : ` (${code})`}; ${REMEDIES[failure.kind]}`;
  return errorOf(error.code, `cannot connect to a SimpleMQ broker at host ${host}, port ${port}${why}`, {
    cause: error,
    details: {
      host,
      port,
      cause,
      ...(failure !== undefined && { failure: failure.kind, reason: failure.reason }),
    },
  });
}

function failureIn({ code, details }: SimpleMQError): ConnectFailure | undefined {
  // What a broker with TLS answers to who speaks plainly.
  if (code === 'Unsupported' && details.tls === true) return TLS_NEEDED;
  const { failure: kind, reason } = details;
  if (typeof reason !== 'string' || !isKind(kind)) return undefined;
  return { kind, reason };
}

function isKind(kind: unknown): kind is ConnectFailureKind {
  return typeof kind === 'string' && Object.hasOwn(REMEDIES, kind);
}

/** What to do, in the words of ConnectionOptions. */
export const REMEDIES: Readonly<Record<ConnectFailureKind, string>> = {
  Unanswered: 'is a SimpleMQ broker running there, and does that port speak TLS (tls: true)?',
  TlsUnanswered:
    'is it running there, and does that port speak TLS? if not, leave out tls (in a URL simplemq://)',
  TlsNeeded:
    'set tls: true (in a URL simplemqs://), or tls: { ca } where no known authority signed its certificate',
  TlsMissing:
    'leave out tls (in a URL simplemq://), or set tls.cert and tls.key in the settings of the broker',
  TlsRefused: 'see minVersion, ciphers in the option tls, and the log of the broker',
  UntrustedCertificate:
    'set tls: { ca } to the certificate of who signed it, or to itself where it is self-signed',
  OtherHostCertificate: 'connect to a host that it is for, or set tls: { servername } to one',
  ExpiredCertificate: 'renew it (tls.cert of the broker), or set the clock of this machine right',
  EarlyCertificate: 'replace it (tls.cert of the broker), or set the clock of this machine right',
  ClientCertificateMissing: 'set tls: { cert, key } to one that tls.ca of the broker has signed',
  ClientCertificateRefused: 'set tls: { cert, key } to one that tls.ca of the broker has signed',
};
