import type { KnownStream } from '../trace/known-stream.ts';
import type { Sight } from './sight.ts';
import type { Violation } from './violation.ts';

/** Each message that died is either in the stream or in its dead letters, until it is deleted there. */
export function checkLetters({ name, letters: known }: KnownStream, sight: Sight): Violation[] {
  const violations: Violation[] = [];
  const broken = (text: string): void => {
    violations.push({ rule: 'letters', text });
  };
  const { letters, byId } = sight;
  const seen = new Map<string, number>();
  for (const [sequence, id] of letters) {
    const letter = `the dead letter ${sequence} of ${name} (${id})`;
    if (seen.has(id)) broken(`${letter} is there as ${seen.get(id)} too`);
    seen.set(id, sequence);
    if (byId.has(id)) broken(`${letter} is in its stream too, as ${byId.get(id)}`);
    if (known.takenTold.has(sequence)) broken(`${letter} was redriven or deleted`);
    const was = known.places.get(sequence);
    if (was !== undefined && was !== id) broken(`${letter} was ${was}`);
  }
  for (const [sequence, id] of known.places) {
    if (letters.has(sequence) || known.takenAsked.has(sequence)) continue;
    broken(`the dead letter ${sequence} of ${name} (${id}) was there, and is not`);
  }
  for (const id of known.deletedTold) {
    if (byId.has(id)) broken(`${id} was deleted from the dead letters of ${name}, and is in it again`);
  }
  return violations;
}

/**
 * Whether a message that is not where it was may be elsewhere: in the dead letters, deleted from them, or redriven, with
 * another number since.
 */
export function isElsewhere(stream: KnownStream, id: string, { dead, byId }: Sight): boolean {
  const { letters, places, groups } = stream;
  if (dead.has(id) || letters.deletedAsked.has(id)) return true;
  const wasTaken = [...letters.takenAsked].some((sequence) => letters.places.get(sequence) === id);
  if (!wasTaken) return false;
  if (byId.has(id)) return true;
  const at = [...places].flatMap(([sequence, other]) => (other === id ? sequence : []));
  return at.some((sequence) => [...groups.values()].some(({ ackReceived }) => ackReceived.has(sequence)));
}
