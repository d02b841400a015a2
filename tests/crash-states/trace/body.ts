/** Names a message in its body; what follows is a pattern of its own, so that no two bodies are alike. */
export function bodyOf(id: string, bytes: number): Buffer {
  const head = `${id};`;
  return Buffer.alloc(Math.max(bytes, head.length), head);
}

/** Undefined when it is not a body of ours. */
export function idOf(body: Buffer): string | undefined {
  const end = body.indexOf(';');
  return end < 0 || end > 64 ? undefined : body.toString('latin1', 0, end);
}
