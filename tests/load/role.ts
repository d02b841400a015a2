/** What a role has to tell at its end, by name. */
export type Facts = Readonly<Record<string, number>>;

export interface Load {
  /** Ends it. */
  readonly stop: () => Promise<Facts>;
}

/**
 * Runs this process as a role: it makes a load from its orders until it is told to stop, and then tells what it saw. It
 * does not outlive its parent; see role-process.ts.
 */
export async function runRole<Orders>(begin: (orders: Orders) => Promise<Load>): Promise<void> {
  process.once('disconnect', () => process.exit(1));
  const load = await begin(JSON.parse(process.argv[2]!) as Orders);
  process.once('message', async () => {
    const facts = await load.stop();
    // It ends when they have come: with its exit they might not.
    process.once('message', () => process.exit(0));
    process.send!(facts);
  });
  process.send!('ready');
}
