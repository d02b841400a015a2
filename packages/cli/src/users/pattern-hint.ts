/** What streams are seldom called, and patterns have. A '$' at the beginning is that of the broker's own streams. */
const OF_PATTERNS = /[*?^[(|\\]|(?!^)\$/;
/** What a shell's pattern does not have, or has only where a regular expression was meant. */
const OF_REGULAR_EXPRESSIONS = /[\^$[(|\\]|\.[*?]/;

/** A line for who may have meant several streams by a name; undefined when it looks like a name alone. */
export function patternHint(name: string): string | undefined {
  if (!OF_PATTERNS.test(name)) return undefined;
  const example = `'${regexOf(name).replaceAll("'", "'\\''")}'`;
  return (
    `${JSON.stringify(name)} is one stream's name, taken as it is; for every stream whose whole name matches, ` +
    `--regex takes a regular expression: --regex ${example}`
  );
}

/** The regular expression that is most likely meant. */
function regexOf(name: string): string {
  if (!OF_REGULAR_EXPRESSIONS.test(name) || !isRegex(name)) return ofWildcards(name);
  // It has to match the whole name, where one that only says how names begin is written for a search.
  return /^\^.*[^$*+]$/.test(name) ? `${name}.*` : name;
}

function ofWildcards(name: string): string {
  return name
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
}

function isRegex(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
