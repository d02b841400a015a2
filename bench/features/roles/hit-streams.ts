/** How many streams a routed publish reaches. */
export const HIT_STREAMS = 10;

export function hitStream(index: number): string {
  return `hit.${index}`;
}
