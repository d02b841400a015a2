import type { SendOptions } from '@simplemq/client';
import { type Command, Option } from 'commander';
import { time } from '../arguments/time.ts';
import { timeSpan } from '../arguments/time-span.ts';
import { CommandError } from '../command-error.ts';
import { type MessageFlags, messageOptionsOf, takesMessageOptions } from '../messages/message-flags.ts';

/** How messages are published: the same for all of them, or by a field of each. */
export interface SendFlags extends MessageFlags {
  readonly delay?: number;
  readonly deliverAt?: Date;
  readonly ttl?: number;
  readonly messageId?: string;
  readonly messageIdFrom?: string;
  readonly keyFrom?: string;
  readonly message?: string;
  readonly jsonLines?: boolean;
}

/** What a message has from fields of its body. */
export type OwnOptions = Pick<SendOptions, 'key' | 'messageId'>;

/** Reads them. @throws CommandError that begins with `what` when a field is missing */
export type OwnOptionsOf = (body: unknown, what: string) => OwnOptions;

export function takesSendOptions(command: Command): Command {
  return takesMessageOptions(command)
    .addOption(
      new Option('--key-from <field>', 'with --json-lines: the key is this field of each').conflicts('key'),
    )
    .addOption(
      new Option('--delay <duration>', 'deliver so much later, as 30s or 2h')
        .argParser(timeSpan())
        .conflicts('deliverAt'),
    )
    .addOption(new Option('--deliver-at <time>', 'deliver then, as 2026-05-01T08:30:00Z').argParser(time))
    .option('--ttl <duration>', 'deliver no later than that, as 10m', timeSpan(1))
    .addOption(
      new Option(
        '--message-id <id>',
        'with --message: it is stored once, however often it is published in the dedup window',
      ).conflicts('messageIdFrom'),
    )
    .option('--message-id-from <field>', 'the same with --json-lines: the id is this field of each');
}

/** What all messages are published with. @throws CommandError when flags do not go together */
export function sendOptionsOf(flags: SendFlags): SendOptions {
  const { delay, deliverAt, ttl, messageId } = flags;
  if (messageId !== undefined && flags.message === undefined) {
    throw new CommandError('--message-id goes with --message: messages of one id are stored once');
  }
  return {
    ...messageOptionsOf(flags),
    ...(delay !== undefined && { delayMs: delay }),
    ...(deliverAt !== undefined && { deliverAt }),
    ...(ttl !== undefined && { ttlMs: ttl }),
    ...(messageId !== undefined && { messageId }),
  };
}

/** What each has of its own; undefined when none has. @throws CommandError when there are no fields to read */
export function ownOptionsOf(flags: SendFlags): OwnOptionsOf | undefined {
  const { messageIdFrom, keyFrom } = flags;
  if (messageIdFrom === undefined && keyFrom === undefined) return undefined;
  needsJson('--message-id-from', messageIdFrom, flags);
  needsJson('--key-from', keyFrom, flags);
  return (body, what) => ({
    ...(messageIdFrom !== undefined && { messageId: fieldOf(body, messageIdFrom, what) }),
    ...(keyFrom !== undefined && { key: fieldOf(body, keyFrom, what) }),
  });
}

function needsJson(flag: string, field: string | undefined, { jsonLines }: SendFlags): void {
  if (field !== undefined && !jsonLines) {
    throw new CommandError(`${flag} needs --json-lines: text has no fields`);
  }
}

/** A field of a value as text. */
function fieldOf(body: unknown, name: string, what: string): string {
  const isObject = typeof body === 'object' && body !== null && Object.hasOwn(body, name);
  const value = isObject ? (body as Record<string, unknown>)[name] : undefined;
  if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value);
  throw new CommandError(`${what} has no field '${name}' that is text or a number`);
}
