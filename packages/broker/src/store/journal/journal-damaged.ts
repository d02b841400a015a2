/** Something in the journal cannot be told any more, because it is not as it was written. */
export class JournalDamaged extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JournalDamaged';
  }
}
