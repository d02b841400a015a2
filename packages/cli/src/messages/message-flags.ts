import type { Priority, SendOptions } from '@simplemq/client';
import { type Command, Option } from 'commander';
import { header } from '../arguments/header.ts';

/** What a message that is published has beside its body, whenever it is published. */
export interface MessageFlags {
  readonly header?: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly priority?: Priority;
}

const PRIORITIES: readonly Priority[] = ['low', 'normal', 'high', 'critical'];

export function takesMessageOptions(command: Command): Command {
  return command
    .addOption(new Option('--header <name=value>', 'a header; may be given again').argParser(header))
    .option('--key <key>', 'messages of one key belong together')
    .addOption(
      new Option('--priority <level>', 'what is higher goes first (default: normal)').choices(PRIORITIES),
    );
}

/** The options that were given. */
export function messageOptionsOf({ header: headers, key, priority }: MessageFlags): MessageOptions {
  return {
    ...(headers !== undefined && { headers }),
    ...(key !== undefined && { key }),
    ...(priority !== undefined && { priority }),
  };
}

export type MessageOptions = Pick<SendOptions, 'headers' | 'key' | 'priority'>;
