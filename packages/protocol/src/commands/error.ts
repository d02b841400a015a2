import { decodeEnvelope, encodeEnvelope } from '../envelope/envelope.ts';
import { isErrorCode } from '../error-codes.ts';
import { errorOf, type SimpleMQError, Unsupported } from '../errors.ts';
import { encodeFrame } from '../frame/frame.ts';
import { Opcode } from '../opcodes.ts';

/**
 * ERROR 0xff, server to client: the answer to the request whose id it bears, or, with request id 0, about the
 * connection as a whole. Control:
 *
 *   { code, message, details? }
 *
 * Whether the connection is closed after it follows from the code; see error-codes.ts.
 */
export function encodeError(requestId: number, error: SimpleMQError): Buffer {
  const details = Object.keys(error.details).length === 0 ? undefined : error.details;
  const envelope = encodeEnvelope({ code: error.code, message: error.message, details });
  return encodeFrame(Opcode.Error, requestId, envelope);
}

export function decodeError(payload: Buffer): SimpleMQError {
  const fields = decodeEnvelope('ERROR', payload);
  const code = fields.string('code');
  const message = fields.string('message');
  const details = fields.optionalRecord('details');
  if (!isErrorCode(code))
    return new Unsupported(
      `the server answered with '${code}', which this version does not know: ${message}`,
    );
  return errorOf(code, message, details === undefined ? {} : { details });
}
