/** The stream that a reply goes to. */
export const REPLY_TO = 'reply-to';
/** Which request a reply is for. */
export const CORRELATION_ID = 'correlation-id';
/** On a reply: why there is none. */
export const REPLY_ERROR = 'reply-error';
