import { createPrivateKey, X509Certificate } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { AuditLog } from '../logs/audit-log.ts';
import type { ClientCertificates, TlsSettings } from '../settings/settings.ts';
import { StartError } from '../start-error.ts';

/** How often it is looked whether a file has changed. */
const LOOK_MS = 500;
/** A certificate that ends sooner is told of. */
const SOON_MS = 14 * 24 * 60 * 60_000;

interface Files {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

interface Loaded {
  readonly context: SecureContextOptions;
  readonly warning: string | undefined;
}

/**
 * The certificate of the port, its key, and whom clients' certificates are checked by.
 *
 * Invariant: what is handed out belongs together. Files that do not, as while they are being replaced one after the other,
 * change nothing.
 */
export class Certificates {
  readonly clientCertificates: ClientCertificates;
  readonly #files: Files;
  #loaded: Loaded;
  #audit: AuditLog | undefined;
  #onChanged: () => void = () => undefined;
  #reloading: Promise<void> | undefined;

  private constructor(files: Files, clientCertificates: ClientCertificates, loaded: Loaded) {
    this.#files = files;
    this.clientCertificates = clientCertificates;
    this.#loaded = loaded;
  }

  /**
   * @returns undefined when no certificate is set
   * @throws StartError with one line that says which file is wrong, and how
   */
  static async open({ cert, key, ca, clientCertificates }: TlsSettings): Promise<Certificates | undefined> {
    if (cert === undefined || key === undefined) return undefined;
    const files = { cert, key, ca };
    return new Certificates(files, clientCertificates, await load(files));
  }

  /** What a secure context is made of. */
  get context(): SecureContextOptions {
    return this.#loaded.context;
  }

  /** Called when new connections are to get another certificate. */
  set onChanged(onChanged: () => void) {
    this.#onChanged = onChanged;
  }

  /** Looks at the files from time to time. */
  watch(audit: AuditLog): void {
    this.#audit = audit;
    this.#warn();
    for (const file of this.#watched) watchFile(file, { interval: LOOK_MS, persistent: false }, this.#looked);
    // They may have changed since they were read.
    void this.reload();
  }

  close(): void {
    for (const file of this.#watched) unwatchFile(file, this.#looked);
  }

  reload(): Promise<void> {
    this.#reloading = (this.#reloading ?? Promise.resolve()).then(() => this.#reload());
    return this.#reloading;
  }

  get #watched(): readonly string[] {
    const { cert, key, ca } = this.#files;
    return ca === undefined ? [cert, key] : [cert, key, ca];
  }

  readonly #looked = (): void => void this.reload();

  async #reload(): Promise<void> {
    try {
      const loaded = await load(this.#files);
      if (JSON.stringify(loaded.context) === JSON.stringify(this.#loaded.context)) return;
      this.#loaded = loaded;
      this.#onChanged();
      this.#audit?.certificatesReloaded();
      this.#warn();
    } catch (error) {
      this.#audit?.certificatesNotRead(error as Error);
    }
  }

  #warn(): void {
    if (this.#loaded.warning !== undefined) this.#audit?.certificateWarning(this.#loaded.warning);
  }
}

async function load({ cert, key, ca }: Files): Promise<Loaded> {
  const certText = await read('tls.cert', cert);
  const keyText = await read('tls.key', key);
  const caText = ca === undefined ? undefined : await read('tls.ca', ca);
  const certificate = parsed('tls.cert', cert, 'a certificate as PEM', () => new X509Certificate(certText));
  const privateKey = parsed('tls.key', key, 'a private key as PEM without a passphrase', () =>
    createPrivateKey(keyText),
  );
  if (caText !== undefined) parsed('tls.ca', ca, 'certificates as PEM', () => new X509Certificate(caText));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw invalid(`the key in tls.key (${key}) is not that of the certificate in tls.cert (${cert})`);
  }
  const context = { cert: certText, key: keyText, ...(caText !== undefined && { ca: caText }) };
  // What else there may be to it, as a chain that is broken off, shows here and not at the first connection.
  parsed('tls.cert', cert, 'a certificate that can be used', () => createSecureContext(context));
  return { context, warning: warningOf(certificate, cert) };
}

async function read(setting: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`;
    throw invalid(`the file of ${setting}, ${file}, ${why}`, cause);
  }
}

function parsed<T>(setting: string, file: string | undefined, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw invalid(`the file of ${setting}, ${file}, is not ${what}: ${(cause as Error).message}`, cause);
  }
}

function invalid(message: string, cause?: unknown): StartError {
  return new StartError('InvalidCertificate', message, { cause });
}

function warningOf(certificate: X509Certificate, file: string): string | undefined {
  const from = certificate.validFromDate.getTime();
  const to = certificate.validToDate.getTime();
  const nowMs = Date.now();
  if (to < nowMs) return `the certificate in ${file} ended on ${certificate.validTo}: clients will refuse it`;
  if (from > nowMs)
    return `the certificate in ${file} begins on ${certificate.validFrom}: clients will refuse it until then`;
  if (to < nowMs + SOON_MS) return `the certificate in ${file} ends on ${certificate.validTo}`;
  return undefined;
}
