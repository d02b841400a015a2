export interface LoadOptions {
  readonly role: 'publishers' | 'workers';
  /** The process's own; the names of its publishers and followers begin with it. */
  readonly name: string;
  readonly port: number;
  /** Where it writes what it saw. */
  readonly facts: string;
  readonly seed: number;
  /** Whether it has the one follower of the stream that has one. */
  readonly hasSolo: boolean;
}
