/** The values that each option may have. */
export type Options<Row> = { readonly [Name in keyof Row]: readonly Row[Name][] };

/**
 * Rows in which every pair of values of any two options comes up together: for each row the values are chosen, option by
 * option, that are in most of the pairs which are still missing.
 */
export function coveringArray<Row extends object>(options: Options<Row>): readonly Row[] {
  const names = Object.keys(options) as (keyof Row & string)[];
  const missing = new Set(
    names.flatMap((a, index) => names.slice(index + 1).flatMap((b) => pairs(options, a, b))),
  );
  const rows: Row[] = [];
  while (missing.size > 0) {
    const row = nextRow(options, names, missing);
    for (const pair of pairsOf(row)) missing.delete(pair);
    rows.push(row);
  }
  return rows;
}

/** The pairs of values that a row has. */
export function pairsOf<Row extends object>(row: Row): string[] {
  const names = Object.keys(row) as (keyof Row & string)[];
  return names.flatMap((a, index) => names.slice(index + 1).map((b) => pair(a, row[a], b, row[b])));
}

function nextRow<Row extends object>(
  options: Options<Row>,
  names: readonly (keyof Row & string)[],
  missing: ReadonlySet<string>,
): Row {
  // A row begins with a pair that is missing, so that each brings one at least.
  const [first] = missing;
  const row = JSON.parse(`{${first!.replace(' & ', ',')}}`) as Partial<Row>;
  const order = names.filter((name) => !(name in row));
  for (const name of order) {
    let best = options[name][0] as Row[keyof Row & string];
    let most = -1;
    for (const value of options[name]) {
      const gain = Object.keys(row).filter((other) => {
        const known = other as keyof Row & string;
        return missing.has(pairInOrder(names, name, value, known, row[known]));
      }).length;
      if (gain > most) [best, most] = [value, gain];
    }
    row[name] = best;
  }
  return Object.fromEntries(names.map((name) => [name, row[name]])) as Row;
}

function pairs<Row extends object>(
  options: Options<Row>,
  a: keyof Row & string,
  b: keyof Row & string,
): string[] {
  return options[a].flatMap((one) => options[b].map((other) => pair(a, one, b, other)));
}

function pairInOrder(names: readonly string[], a: string, one: unknown, b: string, other: unknown): string {
  return names.indexOf(a) < names.indexOf(b) ? pair(a, one, b, other) : pair(b, other, a, one);
}

/** Two members of a JSON object. */
function pair(a: string, one: unknown, b: string, other: unknown): string {
  return `${JSON.stringify(a)}:${JSON.stringify(one)} & ${JSON.stringify(b)}:${JSON.stringify(other)}`;
}
