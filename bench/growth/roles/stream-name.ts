export function streamName(index: number): string {
  return `spread.${index}`;
}
