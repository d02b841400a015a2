/** Adds the items at the end: as arguments of one `push`, a hundred thousand of them do not fit the stack. */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}

/** Takes what is not kept out of a list. */
export function keep<T>(list: T[], isKept: (item: T) => boolean): void {
  let count = 0;
  for (const item of list) if (isKept(item)) list[count++] = item;
  list.length = count;
}
