import { type ConnectFailureKind, SimpleMQError } from '@simplemq/client';

/** Why there is no connection, and what to do; undefined when an error is not about that. */
export function whyUnreachable(error: unknown): string | undefined {
  if (!(error instanceof SimpleMQError)) return undefined;
  const { failure, reason } = error.details;
  if (typeof failure === 'string' && typeof reason === 'string') {
    const code = failure === 'TlsRefused' ? ` (${error.details.cause})` : '';
    return `${reason}${code}; ${REMEDIES[failure as ConnectFailureKind]}`;
  }
  if (error.code !== 'ConnectionLost' && error.code !== 'RequestTimeout') return undefined;
  return `${reasonOf(error)}; is the broker running? (start it with 'simplemq serve')`;
}

const CLIENT_CERTIFICATE =
  'give one that tls.ca of the broker has signed, with --tls-cert <file> and --tls-key <file>';

/** What to do, in options of the commands and settings of the broker. */
const REMEDIES: Readonly<Record<ConnectFailureKind, string>> = {
  Unanswered: 'is a SimpleMQ broker running there, and does that port speak TLS (--tls)?',
  TlsUnanswered:
    'is a SimpleMQ broker running there, and does that port speak TLS? if not, leave out --tls and --tls-*',
  TlsNeeded: 'use --tls, or --tls-ca <file> where no known authority signed its certificate',
  TlsMissing: 'leave out --tls and --tls-*, or set tls.cert and tls.key in the settings of the broker',
  TlsRefused: 'the log of the broker says more',
  UntrustedCertificate:
    'give the certificate of who signed it, or itself where it is self-signed, with --tls-ca <file>',
  OtherHostCertificate:
    'connect to a host that it is for (--host), or set tls.cert of the broker to one for this host',
  ExpiredCertificate: 'renew it (tls.cert of the broker), or set the clock of this machine right',
  EarlyCertificate: 'replace it (tls.cert of the broker), or set the clock of this machine right',
  ClientCertificateMissing: CLIENT_CERTIFICATE,
  ClientCertificateRefused: CLIENT_CERTIFICATE,
};

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the host name does not resolve',
  ETIMEDOUT: 'no answer',
};

function reasonOf(error: SimpleMQError): string {
  const { cause } = error.details;
  return typeof cause === 'string' ? (REASONS[cause] ?? cause) : error.message;
}
