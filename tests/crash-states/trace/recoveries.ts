import type { Operation } from './operations.ts';

/** The file into which a process that recovers writes what it publishes, beside the data folder. */
export const MARKS = 'marks';

/** A message is about to be published, or, with a sequence number, was confirmed. */
export interface Mark {
  readonly id: string;
  readonly stream: string;
  readonly sequence?: number;
}

export type RecoveryStep = { readonly operation: Operation } | { readonly mark: Mark };

/** What was done to the state in the folder of this name, with paths from that on. */
export function stepsIn(operations: readonly Operation[], state: string): RecoveryStep[] {
  const steps: RecoveryStep[] = [];
  const marks = new Set<number>();
  const inside = (path: string): string => path.slice(state.length + 1);
  for (const operation of operations) {
    if (operation.kind === 'rename') {
      const { from, to } = operation;
      steps.push({ operation: { kind: 'rename', from: inside(from), to: inside(to) } });
    } else if ('path' in operation) {
      const path = inside(operation.path);
      if (operation.kind === 'open' && path === MARKS) marks.add(operation.descriptor);
      else steps.push({ operation: { ...operation, path } });
    } else if ('descriptor' in operation && marks.has(operation.descriptor)) {
      if (operation.kind === 'close') marks.delete(operation.descriptor);
      if (operation.kind !== 'write') continue;
      steps.push({ mark: JSON.parse(operation.bytes.toString('utf8')) as Mark });
    } else if (operation.kind !== 'start') steps.push({ operation });
  }
  return steps;
}
