import type { DeadLetterFilter } from '@simplemq/client';
import { Argument, type Command, Option } from 'commander';
import { header } from '../arguments/header.ts';
import { idRange } from '../arguments/id-ranges.ts';
import { pastTime } from '../arguments/time.ts';
import { CommandError } from '../command-error.ts';

/** Which dead letters are meant: those to which all of it applies. */
export interface LetterFlags {
  readonly group?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly error?: string;
  readonly header?: Readonly<Record<string, string>>;
}

/** The same for a command that changes them, and must not take all of them by mistake. */
export interface MoveFlags extends LetterFlags {
  readonly all?: boolean;
}

const WHICH = 'Which (all of it applies):';

export function takesLetterFilter(command: Command): Command {
  const options = [
    new Option('--group <name>', 'those that died in this group'),
    new Option('--since <time>', 'that died then or later, as 2026-05-01T08:30:00Z or 2h (ago)').argParser(
      pastTime,
    ),
    new Option('--until <time>', 'that died then or before').argParser(pastTime),
    new Option('--error <text>', 'whose last error has this in it, in capital or small letters'),
    new Option('--header <name=value>', 'that have this header; may be given again').argParser(header),
  ];
  for (const option of options) command.addOption(option.helpGroup(WHICH));
  return command;
}

/** Adds sequence numbers, the filter, and --all for those who mean all. */
export function takesLettersToMove(command: Command): Command {
  return takesLetterFilter(
    command.addArgument(
      new Argument(
        '[sequence...]',
        'their sequence numbers among the dead letters, or ranges as 41-45',
      ).argParser(idRange),
    ),
  ).addOption(new Option('--all', 'all of them').helpGroup(WHICH));
}

export function letterFilterOf(flags: LetterFlags): DeadLetterFilter {
  const { group, since, until, error, header: headers } = flags;
  return {
    ...(group !== undefined && { group }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(error !== undefined && { error }),
    ...(headers !== undefined && { headers }),
  };
}

/**
 * Which letters a command is to change; an empty filter is all of them.
 *
 * @throws CommandError when nothing says which, or --all and something else do
 */
export function lettersToMove(sequences: readonly number[] | undefined, flags: MoveFlags): DeadLetterFilter {
  const filter: DeadLetterFilter = {
    ...(sequences !== undefined && sequences.length > 0 && { sequences }),
    ...letterFilterOf(flags),
  };
  const isEmpty = Object.keys(filter).length === 0;
  if (isEmpty && !flags.all) {
    throw new CommandError('say which: sequence numbers, a filter as --group or --error, or --all');
  }
  if (!isEmpty && flags.all) throw new CommandError('--all means all: leave out it, or what says which');
  return filter;
}
