import type { Database, Statement } from 'better-sqlite3';

/** Prepares all of these, each under its name. */
export function prepareAll<Name extends string>(
  database: Database,
  sql: Readonly<Record<Name, string>>,
): Record<Name, Statement> {
  const statements = Object.entries<string>(sql).map(
    ([name, text]) => [name, database.prepare(text)] as const,
  );
  return Object.fromEntries(statements) as Record<Name, Statement>;
}
