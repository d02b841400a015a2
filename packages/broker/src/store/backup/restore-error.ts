/** A backup cannot be restored. The message is one line for people. */
export class RestoreError extends Error {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'RestoreError';
  }
}
