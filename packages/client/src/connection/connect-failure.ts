import type { Endpoint } from './options.ts';

/** Why there is no connection, where more is known than that nobody listens; `details.failure` of the error. */
export type ConnectFailureKind =
  | 'Unanswered'
  | 'TlsUnanswered'
  | 'TlsNeeded'
  | 'TlsMissing'
  | 'TlsRefused'
  | 'UntrustedCertificate'
  | 'OtherHostCertificate'
  | 'ExpiredCertificate'
  | 'EarlyCertificate'
  | 'ClientCertificateMissing'
  | 'ClientCertificateRefused';

export interface ConnectFailure {
  readonly kind: ConnectFailureKind;
  /** What is wrong, as the middle of a sentence about the broker. */
  readonly reason: string;
}

/** A dial that ended before WELCOME. */
export interface FailedDial {
  readonly endpoint: Endpoint;
  /** Whether the connection stood, with TLS its encryption too, before it ended. */
  readonly wasOpen: boolean;
  /** What the system said; absent when the peer closed. */
  readonly cause: Error | undefined;
}

/** @returns undefined where the cause speaks for itself, as ECONNREFUSED does */
export function connectFailureOf({ endpoint, wasOpen, cause }: FailedDial): ConnectFailure | undefined {
  const code = codeOf(cause);
  const hasHungUp = code === undefined || HANG_UPS.has(code);
  if (endpoint.tls === undefined) return hasHungUp && wasOpen ? UNANSWERED : undefined;
  const hasCertificate = endpoint.tls.cert !== undefined || endpoint.tls.pfx !== undefined;
  if (hasHungUp) return wasOpen ? hungUpAfterTls(hasCertificate) : TLS_UNANSWERED;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return otherHost(cause as AltNameError, endpoint.host);
  const alert = /^ERR_SSL_.+_ALERT_(.+)$/.exec(code)?.[1];
  const known = alert === undefined ? CODES[code] : alertFailure(alert, hasCertificate);
  if (known !== undefined) return known;
  return code.startsWith('ERR_SSL_')
    ? { kind: 'TlsRefused', reason: 'TLS could not be agreed on' }
    : undefined;
}

/** Whether a server's first bytes are an alert of TLS (RFC 8446, 5.1): no frame before WELCOME is that long. */
export function isTlsAlert(bytes: Uint8Array): boolean {
  return bytes[0] === 0x15 && bytes[1] === 0x03;
}

export const TLS_NEEDED: ConnectFailure = { kind: 'TlsNeeded', reason: 'that port speaks TLS' };

const UNANSWERED: ConnectFailure = {
  kind: 'Unanswered',
  reason: 'it closed the connection before it answered',
};
const TLS_UNANSWERED: ConnectFailure = {
  kind: 'TlsUnanswered',
  reason: 'it closed the connection when TLS began',
};
const TLS_MISSING: ConnectFailure = { kind: 'TlsMissing', reason: 'that port does not speak TLS' };
const SELF_SIGNED: ConnectFailure = {
  kind: 'UntrustedCertificate',
  reason: 'its certificate is self-signed and not among those that are trusted',
};
const UNTRUSTED: ConnectFailure = {
  kind: 'UntrustedCertificate',
  reason: 'nobody who is trusted has signed its certificate',
};

/** The peer closed, without or with bytes of ours unread. */
const HANG_UPS: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'EPROTO']);

/** What Node.js and OpenSSL say of it. */
const CODES: Readonly<Record<string, ConnectFailure>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: TLS_MISSING,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: TLS_MISSING,
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_HAS_EXPIRED: { kind: 'ExpiredCertificate', reason: 'its certificate has expired' },
  CERT_NOT_YET_VALID: { kind: 'EarlyCertificate', reason: 'its certificate is not valid yet' },
};

/** With TLS 1.3 a client is through before the server has looked at its certificate, and the alert may be lost. */
function hungUpAfterTls(hasCertificate: boolean): ConnectFailure {
  return hasCertificate
    ? {
        kind: 'ClientCertificateRefused',
        reason: `${UNANSWERED.reason}, as it does when it does not accept a client's certificate`,
      }
    : {
        kind: 'ClientCertificateMissing',
        reason: `${UNANSWERED.reason}, as it does when it wants a client certificate`,
      };
}

/** The alerts of RFC 8446, 6.2, that are about a client's certificate. */
const CERTIFICATE_ALERTS: ReadonlySet<string> = new Set([
  'BAD_CERTIFICATE',
  'UNSUPPORTED_CERTIFICATE',
  'CERTIFICATE_REVOKED',
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_UNKNOWN',
  'UNKNOWN_CA',
]);

function alertFailure(alert: string, hasCertificate: boolean): ConnectFailure | undefined {
  if (alert === 'CERTIFICATE_REQUIRED')
    return { kind: 'ClientCertificateMissing', reason: 'it wants a client certificate' };
  if (CERTIFICATE_ALERTS.has(alert))
    return { kind: 'ClientCertificateRefused', reason: "it does not accept this client's certificate" };
  // All that TLS 1.2 has to say of a certificate that is missing.
  if (alert === 'HANDSHAKE_FAILURE' && !hasCertificate)
    return {
      kind: 'ClientCertificateMissing',
      reason: 'it refused TLS, as it does when it wants a client certificate',
    };
  return undefined;
}

/** What Node.js has to tell beside the code. */
interface AltNameError extends Error {
  readonly host?: string;
  readonly cert?: { readonly subjectaltname?: string };
}

const NAMES_LENGTH_MAX = 200;

function otherHost({ host, cert }: AltNameError, dialled: string): ConnectFailure {
  const names = cert?.subjectaltname?.replace(/(DNS|IP Address):/g, '').slice(0, NAMES_LENGTH_MAX);
  const reason = `its certificate is for ${names ?? 'another host'}, not for ${host ?? dialled}`;
  return { kind: 'OtherHostCertificate', reason };
}

export function codeOf(cause: Error | undefined): string | undefined {
  return (cause as NodeJS.ErrnoException | undefined)?.code;
}
