import * as protocol from '@simplemq/protocol';
import { closesConnection, ERROR_CODES, errorOf, isErrorCode, SimpleMQError } from '@simplemq/protocol';
import { describe, expect, test } from 'vitest';

const CLASSES = new Map<string, unknown>(Object.entries(protocol));

describe.each(ERROR_CODES)('%s', (code) => {
  test('is an error of the class of its name, wherever it comes from', () => {
    const error = errorOf(code, 'why', { details: { limit: 7 }, cause: 'because' });
    expect(error).toBeInstanceOf(SimpleMQError);
    expect(error).toBeInstanceOf(CLASSES.get(code));
    expect(error).toMatchObject({
      code,
      name: code,
      message: 'why',
      details: { limit: 7 },
      cause: 'because',
    });
    expect(error.closesConnection).toBe(closesConnection(code));
  });
});

test('an error of one class is not one of another', () => {
  expect(new protocol.StaleAck('late')).not.toBeInstanceOf(protocol.StreamFull);
});

test('only the codes of the table are codes', () => {
  expect(isErrorCode('StreamFull')).toBe(true);
  for (const other of ['', 'streamFull', 'toString', '__proto__']) expect(isErrorCode(other)).toBe(false);
});

test('a code that this version does not know becomes an Unsupported that shows it', () => {
  const payload = protocol.encodeEnvelope({ code: 'FromTheFuture', message: 'unheard of' });
  const error = protocol.decodeError(payload);
  expect(error.code).toBe('Unsupported');
  expect(error.message).toContain('FromTheFuture');
});
