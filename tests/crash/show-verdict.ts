/** Of each broken promise so many cases are shown. */
const SHOWN_MAX = 20;

interface Broken<Rule extends string> {
  readonly rule: Rule;
  readonly text: string;
}

/** Prints what was counted, how often each rule was broken, and the cases. */
export function showVerdict<Rule extends string>(
  counted: readonly (readonly [string, string | number])[],
  rules: Readonly<Record<Rule, string>>,
  violations: readonly Broken<Rule>[],
): void {
  const broken = Map.groupBy(violations, ({ rule }) => rule);
  const ruled = Object.entries<string>(rules).map(([rule, title]) => {
    return [title, broken.get(rule as Rule)?.length ?? 0] as const;
  });
  const rows = [...counted, ['', ''] as const, ...ruled];
  const width = Math.max(...rows.map(([title]) => title.length));
  for (const [title, value] of rows) console.log(`${title.padEnd(width)}  ${value}`.trimEnd());
  for (const [rule, cases] of broken) {
    console.error(`\n${rules[rule]}:`);
    for (const { text } of cases.slice(0, SHOWN_MAX)) console.error(`  ${text}`);
    if (cases.length > SHOWN_MAX) console.error(`  and ${cases.length - SHOWN_MAX} more`);
  }
}
