/** The first four bytes of a request of HTTP: each method's, and those of HTTP/2. */
const HTTP_STARTS: ReadonlySet<string> = new Set([
  'GET ',
  'HEAD',
  'POST',
  'PUT ',
  'DELE',
  'OPTI',
  'PATC',
  'TRAC',
  'CONN',
  'PRI ',
]);

const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR_VERSION = 0x03;

/** Which other protocol a connection's first four bytes belong to. None of them can begin a frame. */
export function foreignProtocol(firstBytes: Uint8Array): 'HTTP' | 'TLS' | undefined {
  if (firstBytes[0] === TLS_HANDSHAKE && firstBytes[1] === TLS_MAJOR_VERSION) return 'TLS';
  const start = String.fromCharCode(...firstBytes.subarray(0, 4));
  return HTTP_STARTS.has(start) ? 'HTTP' : undefined;
}

const BODY =
  "This is SimpleMQ's TCP port, which speaks its own protocol and not HTTP: use a SimpleMQ client.\n";

/** What a browser or curl shows to whoever tried it. */
export const HTTP_ANSWER: Buffer = Buffer.from(
  'HTTP/1.1 400 Bad Request\r\n' +
    'Content-Type: text/plain; charset=utf-8\r\n' +
    `Content-Length: ${BODY.length}\r\n` +
    'Connection: close\r\n' +
    '\r\n' +
    BODY,
);
