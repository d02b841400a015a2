/** The responder's handler failed; the message is that of its error. */
export class RequestFailed extends Error {
  readonly code = 'RequestFailed';

  constructor(message: string) {
    super(message);
    this.name = 'RequestFailed';
  }
}
