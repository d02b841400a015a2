import { describe, expect, it } from 'vitest';
import { type ConnectFailureKind, connectFailureOf } from '../../src/connection/connect-failure.ts';

const PLAIN = { host: 'localhost', port: 9090, tls: undefined };
const TLS = { ...PLAIN, tls: {} };
const WITH_CERTIFICATE = { ...PLAIN, tls: { cert: 'a certificate', key: 'its key' } };

function kindOf(endpoint: typeof PLAIN | typeof TLS, code: string | undefined, wasOpen = false) {
  const cause = code === undefined ? undefined : Object.assign(new Error('of the system'), { code });
  return connectFailureOf({ endpoint, wasOpen, cause })?.kind;
}

describe('a dial that failed', () => {
  // What OpenSSL calls them differs by its version.
  it.each<[string, ConnectFailureKind]>([
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TlsMissing'],
    ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'TlsMissing'],
    ['ECONNRESET', 'TlsUnanswered'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'UntrustedCertificate'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'UntrustedCertificate'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UntrustedCertificate'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UntrustedCertificate'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'OtherHostCertificate'],
    ['CERT_HAS_EXPIRED', 'ExpiredCertificate'],
    ['CERT_NOT_YET_VALID', 'EarlyCertificate'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ClientCertificateMissing'],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'ClientCertificateMissing'],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'ClientCertificateMissing'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'ClientCertificateRefused'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'ClientCertificateRefused'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'TlsRefused'],
    ['ERR_SSL_NO_CIPHERS_AVAILABLE', 'TlsRefused'],
  ])('by %s is %s', (code, kind) => {
    expect(kindOf(TLS, code)).toBe(kind);
  });

  it('is left alone where nobody listens, or the name is not known', () => {
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT']) {
      expect([kindOf(PLAIN, code), kindOf(TLS, code)]).toEqual([undefined, undefined]);
    }
  });

  it('by a peer that closes is told by how far it had come', () => {
    for (const code of [undefined, 'ECONNRESET']) {
      expect(kindOf(PLAIN, code, true)).toBe('Unanswered');
      expect(kindOf(TLS, code, true)).toBe('ClientCertificateMissing');
      expect(kindOf(WITH_CERTIFICATE, code, true)).toBe('ClientCertificateRefused');
    }
    expect(kindOf(WITH_CERTIFICATE, 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE')).toBe('TlsRefused');
  });
});
