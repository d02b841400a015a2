/** Bytes of messages that one publish or transaction may bring to the disk, on all of its streams together. */
export const PUBLISH_BYTES_MAX: number = 256 * 1024 * 1024;

/**
 * And all that is collected for one commit: what comes from the network is counted once there, and not for each stream
 * that it goes to.
 */
export const COMMIT_BYTES_MAX: number = 1024 * 1024 * 1024;
