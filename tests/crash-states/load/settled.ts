/** What the end of a broker came in between may have been done or not; a message whose ack that was may come again. */
const UNSETTLED = new Set<string | undefined>([
  'ConnectionLost',
  'ServerClosing',
  'FollowerNotFound',
  'StaleAck',
  // Deleted, though nobody was told, by a broker that ended.
  'GroupNotFound',
  'StreamNotFound',
  'BackupNotFound',
  'BackupRunning',
]);

export async function settled(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!UNSETTLED.has((error as { code?: string }).code)) throw error;
  }
}
