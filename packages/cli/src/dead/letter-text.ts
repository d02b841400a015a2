import type { DeadLetterFilter, DeadLetterMessage, FailedAttempt } from '@simplemq/client';
import { shownBody } from '../messages/message-line.ts';
import { count, size } from '../terminal/amounts.ts';
import { dim } from '../terminal/style.ts';
import { properties, table } from '../terminal/table.ts';
import { instant, relative } from '../terminal/times.ts';
import { oneLine, visible } from '../terminal/visible.ts';

const COLUMNS = [
  { head: 'SEQUENCE', align: 'right' },
  { head: 'GROUP' },
  { head: 'ORIGINAL', align: 'right' },
  { head: 'DIED', align: 'right' },
  { head: 'CAUSE' },
  { head: 'ATTEMPTS', align: 'right' },
  { head: 'LAST ERROR', fill: true },
] as const;

const ATTEMPT_COLUMNS = [
  { head: 'ATTEMPT', align: 'right' },
  { head: 'FAILED AT' },
  { head: 'CAUSE' },
  { head: 'ERROR', fill: true },
] as const;

/** Dead letters, a line each. */
export function letterTable(letters: readonly DeadLetterMessage[]): string {
  return table(COLUMNS, letters.map(row));
}

function row(letter: DeadLetterMessage): string[] {
  return [
    count(letter.sequence),
    letter.group,
    count(letter.originalSequence),
    relative(letter.diedAt),
    causeText(letter.cause),
    count(attemptsOf(letter)),
    oneLine(letter.error),
  ];
}

/** That there is none, in one line. */
export function noLettersText(stream: string, filter: DeadLetterFilter): string {
  return Object.keys(filter).length === 0
    ? `${stream} has no dead letters\n`
    : `no dead letter of ${stream} matches\n`;
}

/** All of one dead letter: what became of it, each attempt, and what it says. */
export function letterText(letter: DeadLetterMessage): string {
  return `${about(letter)}\n${attempts(letter.attempts)}\n${payload(letter.body)}`;
}

function about(letter: DeadLetterMessage): string {
  const { key, headers, error } = letter;
  return properties([
    ['dead letter', count(letter.sequence)],
    ['stream', letter.originalStream],
    ['group', letter.group],
    ['original', count(letter.originalSequence)],
    ['published', instant(letter.publishedAt)],
    ['died', instant(letter.diedAt)],
    ['cause', causeText(letter.cause)],
    ['last error', error === '' ? '-' : indented(error)],
    ['priority', letter.priority],
    ...(key === undefined ? [] : [['key', oneLine(key)] as const]),
    ...Object.entries(headers).map(([name, value]) => ['header', oneLine(`${name}=${value}`)] as const),
  ]);
}

/** Lines after the first stand below it. */
function indented(text: string): string {
  return visible(text).trimEnd().replaceAll('\n', '\n              ');
}

function attempts(failed: readonly FailedAttempt[]): string {
  if (failed.length === 0) return 'it was never delivered\n';
  const rows = failed.map(({ attempt, at, cause, error }) => [
    count(attempt),
    at.toISOString(),
    cause,
    oneLine(error),
  ]);
  return table(ATTEMPT_COLUMNS, rows);
}

function payload(body: unknown): string {
  const kind = body instanceof Uint8Array ? `bytes, ${size(body.length)}` : typeof body;
  return `${dim(`payload (${kind})`)}\n${shownBody(body, 2)}\n`;
}

/** How often it was delivered; of many attempts only the last are told. */
function attemptsOf({ attempts: failed }: DeadLetterMessage): number {
  return failed.at(-1)?.attempt ?? 0;
}

function causeText(cause: string): string {
  return cause === 'maxDeliveries' ? 'max deliveries' : cause;
}
