import { InvalidOption } from '@simplemq/protocol';
import { issuesText, type SchemaResult, type StandardSchema } from './standard-schema.ts';

/**
 * Whether all `bodies` are as the schema has them.
 *
 * @returns undefined when they are; a promise when the validator takes its time for some
 * @throws InvalidOption, with the issues; whatever the validator throws
 */
export function requireValid(
  schema: StandardSchema<unknown, unknown>,
  bodies: readonly unknown[],
): Promise<void> | undefined {
  const waiting: Promise<void>[] = [];
  for (const body of bodies) {
    const result = schema['~standard'].validate(body);
    if (result instanceof Promise) waiting.push(result.then(judge));
    else judge(result);
  }
  return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
}

function judge(result: SchemaResult<unknown>): void {
  if (result.issues === undefined) return;
  throw new InvalidOption(`a body is not as its schema has it: ${issuesText(result.issues)}`, {
    details: { option: 'body' },
  });
}
