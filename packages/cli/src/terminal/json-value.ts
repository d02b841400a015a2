/**
 * A body as JSON in one line, or indented. What JSON has no type for is an object with one key that names the type: bytes
 * are `{"$base64":"…"}`, a bigint is `{"$bigint":"…"}`, a Map `{"$map":[[key,value],…]}`, a Set `{"$set":[…]}`. A date is
 * the string that JSON gives it; undefined and NaN are null.
 */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, replaced, indent) ?? 'null';
}

/** `this` holds the value as it was before its toJSON, which a Buffer has. */
function replaced(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key];
  if (typeof original === 'bigint') return { $bigint: String(original) };
  if (original instanceof Uint8Array) return { $base64: Buffer.from(original).toString('base64') };
  if (original instanceof Map) return { $map: [...original] };
  if (original instanceof Set) return { $set: [...original] };
  return value;
}
