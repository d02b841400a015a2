/** What a publish resolves to. */
export interface Receipt {
  /** Each stream that the message reached, with its sequence number there; empty when a regex bind matched none. */
  readonly streams: readonly { readonly stream: string; readonly sequence: number }[];
  /** The level that was reached: 'memory', 'fsync' or 'quorum'. */
  readonly durability: string;
}
