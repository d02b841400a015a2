export type StartErrorCode =
  | 'InvalidSettings'
  | 'PortInUse'
  | 'PortForbidden'
  | 'HostNotFound'
  | 'HostNotLoopback'
  | 'LogsNotWritable'
  | 'UsersNotReadable'
  | 'InvalidCertificate'
  | 'ListenFailed';

/** The server could not start. The message is one line for people (one a problem, where settings have several). */
export class StartError extends Error {
  readonly code: StartErrorCode;

  constructor(code: StartErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'StartError';
    this.code = code;
  }
}
