import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and its key, as PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** Default: localhost and 127.0.0.1. */
  readonly names?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const DAY_MS = 24 * 60 * 60_000;
const ECDSA_WITH_SHA256 = sequence(objectId('2a8648ce3d040302'));
const COMMON_NAME = '550403';
const BASIC_CONSTRAINTS = '551d13';
const SUBJECT_ALT_NAME = '551d11';

/**
 * Who signs certificates, for tests: made anew each time, so that no key is kept anywhere. Node.js makes keys but no
 * certificates; this writes as much of X.509 (RFC 5280) as TLS needs.
 */
export class TestAuthority {
  readonly #name: string;
  readonly #key: KeyObject;
  /** As PEM, for those who are to trust it. */
  readonly cert: string;

  constructor(name = 'a test') {
    this.#name = name;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.cert = this.#certificate(name, publicKey, {}, [
      extension(BASIC_CONSTRAINTS, sequence(element(0x01, Buffer.of(0xff))), true),
    ]);
  }

  /** One that nobody but itself vouches for. */
  static selfSigned(): TestCertificate {
    const self = new TestAuthority('localhost');
    const cert = self.#certificate('localhost', createPublicKey(self.#key), {}, [
      extension(SUBJECT_ALT_NAME, sequence(alternativeName('localhost')), false),
    ]);
    return { cert, key: pemOf(self.#key) };
  }

  issue(options: CertificateOptions = {}): TestCertificate {
    const { names = ['localhost', '127.0.0.1'] } = options;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const alternatives = sequence(...names.map(alternativeName));
    const cert = this.#certificate(names[0] ?? 'nobody', publicKey, options, [
      extension(SUBJECT_ALT_NAME, alternatives, false),
    ]);
    return { cert, key: pemOf(privateKey) };
  }

  #certificate(subject: string, key: KeyObject, options: CertificateOptions, extensions: Buffer[]): string {
    const { notBefore = new Date(Date.now() - DAY_MS), notAfter = new Date(Date.now() + 365 * DAY_MS) } =
      options;
    const serial = randomBytes(8);
    serial[0] = (serial[0]! & 0x3f) | 0x40;
    const toBeSigned = sequence(
      element(0xa0, integer(Buffer.of(2))),
      integer(serial),
      ECDSA_WITH_SHA256,
      nameOf(this.#name),
      sequence(time(notBefore), time(notAfter)),
      nameOf(subject),
      key.export({ type: 'spki', format: 'der' }),
      element(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', toBeSigned, this.#key);
    const der = sequence(toBeSigned, ECDSA_WITH_SHA256, bitString(signature));
    const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  }
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function alternativeName(name: string): Buffer {
  if (isIP(name) === 4) return element(0x87, Buffer.from(name.split('.').map(Number)));
  return element(0x82, Buffer.from(name, 'ascii'));
}

function extension(id: string, value: Buffer, isCritical: boolean): Buffer {
  const critical = isCritical ? [element(0x01, Buffer.of(0xff))] : [];
  return sequence(objectId(id), ...critical, element(0x04, value));
}

function nameOf(commonName: string): Buffer {
  return sequence(element(0x31, sequence(objectId(COMMON_NAME), element(0x0c, Buffer.from(commonName)))));
}

/** UTCTime, to the second: for years before 2050. */
function time(date: Date): Buffer {
  const digits = date.toISOString().slice(2, 19).replace(/\D/g, '');
  return element(0x17, Buffer.from(`${digits}Z`, 'ascii'));
}

function sequence(...parts: Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

function integer(bytes: Buffer): Buffer {
  return element(0x02, bytes);
}

function bitString(bytes: Buffer): Buffer {
  return element(0x03, Buffer.concat([Buffer.of(0), bytes]));
}

function objectId(hex: string): Buffer {
  return element(0x06, Buffer.from(hex, 'hex'));
}

/** Tag, length, value: https://www.itu.int/rec/T-REC-X.690, 8.1. */
function element(tag: number, value: Buffer): Buffer {
  const { length } = value;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), value]);
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length, ...bytes), value]);
}
