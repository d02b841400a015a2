/**
 * The protocol's fixed limits. What a deployment may change (message size, frame size, heartbeat …) is told by
 * WELCOME; these are the values it starts from.
 */
export const PROTOCOL_VERSION = 1;

/** Bytes a peer may send before its HELLO is answered. */
export const HANDSHAKE_BYTES_MAX: number = 64 * 1024;
/** Milliseconds a peer has to complete its HELLO. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;

/** Largest body of one message, in bytes; the default of `limits.maxMessageBytes`. */
export const MESSAGE_BYTES_MAX: number = 8 * 1024 * 1024;
/** Room that a frame has beside the largest message: envelope, batch header, attributes. */
export const FRAME_OVERHEAD_BYTES: number = 256 * 1024;
/** The least of it, beside the attributes: what is around a batch in the largest envelope that it may have. */
export const FRAME_OVERHEAD_BYTES_MIN: number = 4 * 1024;
/** Records in one batch. */
export const BATCH_RECORDS_MAX = 65_536;
/** Attributes (headers, key …) of one record, encoded. */
export const ATTRIBUTES_BYTES_MAX: number = 64 * 1024 - 1;

/** Depth of nesting in an envelope. */
export const ENVELOPE_DEPTH_MAX = 8;
/** Values in an envelope, counting every map, array, key and scalar. */
export const ENVELOPE_VALUES_MAX = 200_000;

/** Characters of a stream, group or schedule name. */
export const NAME_LENGTH_MAX = 255;
/** Characters of a regex bind's pattern. */
export const PATTERN_LENGTH_MAX = 1_024;

/** Publishes of one connection that may await their confirm. */
export const UNCONFIRMED_BATCHES_MAX = 1_024;
/** Publishes in one transaction. */
export const TRANSACTION_PUBLISHES_MAX = 1_024;
