/**
 * A validator as https://standardschema.dev has it in version 1: those of Zod, Valibot, ArkType and others are. `Input`
 * is what it takes, `Output` what it makes of that.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>;
}

export interface StandardSchemaProps<Input, Output> {
  readonly version: 1;
  readonly vendor: string;
  readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  /** Never there; carries the two types. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** All issues as one line: `items.0.price: must be positive; id: is missing`. */
export function issuesText(issues: readonly SchemaIssue[]): string {
  return issues.map(issueText).join('; ');
}

function issueText({ message, path = [] }: SchemaIssue): string {
  if (path.length === 0) return message;
  const keys = path.map((step) => String(typeof step === 'object' ? step.key : step));
  return `${keys.join('.')}: ${message}`;
}
