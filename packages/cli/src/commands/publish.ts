import { Publisher } from '@simplemq/client';
import { Command, Option } from 'commander';
import { bindOf } from '../arguments/bind-arguments.ts';
import { CommandError } from '../command-error.ts';
import { type ClientFlags, takesBroker } from '../connection/client-flags.ts';
import { tellOfConnection } from '../connection/notices.ts';
import { openLastingConnection } from '../connection/open-connection.ts';
import { errorText } from '../error-text.ts';
import { examples } from '../examples.ts';
import { openFile, standardInput } from '../publish/input.ts';
import { parseJson } from '../publish/parse-json.ts';
import { openProgress } from '../publish/progress.ts';
import { publishInput } from '../publish/publish-input.ts';
import {
  type OwnOptionsOf,
  ownOptionsOf,
  type SendFlags,
  sendOptionsOf,
  takesSendOptions,
} from '../publish/send-flags.ts';
import { Sender } from '../publish/sender.ts';
import { summaryLine, summaryObject } from '../publish/summary.ts';
import { Tally } from '../publish/tally.ts';
import { count, counted } from '../terminal/amounts.ts';
import { printJson } from '../terminal/print.ts';
import { onStopSignal } from '../terminal/stop-signals.ts';

interface PublishFlags extends ClientFlags, SendFlags {
  readonly regex?: string;
  readonly file?: string;
}

export function publishCommand(): Command {
  const command = new Command('publish')
    .argument('[stream]')
    .summary('publish standard input, a message a line')
    .description(
      'Publish standard input, a message a line. Ends when all of it is confirmed, with 1 if any was not.',
    )
    .option('--regex <pattern>', 'publish to every stream whose name matches (RE2 syntax)')
    .option('--file <path>', 'read this file and not standard input')
    .addOption(new Option('--message <text>', 'publish this one message, and read nothing').conflicts('file'))
    .option('--json-lines', 'each line is JSON: its value is the body, and not its text')
    .option('--json', 'print what was published as JSON');
  return takesBroker(takesSendOptions(command))
    .addHelpText(
      'after',
      examples(
        'simplemq publish orders < orders.txt',
        "simplemq publish orders --message 'hello world' --priority high --delay 10m",
        'simplemq publish orders --json-lines --message-id-from id --key-from customer < orders.jsonl',
        "tail -f app.log | simplemq publish --regex '^logs\\.'",
      ),
    )
    .action(publish);
}

async function publish(stream: string | undefined, flags: PublishFlags): Promise<void> {
  const bind = bindOf(stream, flags.regex);
  const options = sendOptionsOf(flags);
  const own = ownOptionsOf(flags);
  // The input comes before the connection: a file that is not there needs no broker.
  const input = flags.file === undefined ? undefined : await openFile(flags.file);
  await using connection = await openLastingConnection(flags);
  const { limits } = await connection.cursor().session();
  const tally = new Tally();
  const source = flags.message === undefined ? (input ?? standardInput()) : undefined;
  const isTyped = source?.stream === process.stdin && process.stdin.isTTY;
  const progress = openProgress(tally, source?.bytes, isTyped || source === undefined);
  tellOfConnection(connection, progress.tell);

  const stop = new AbortController();
  using _ = onStopSignal((signal) => {
    stop.abort(signal);
    const open = tally.sent - tally.confirmed;
    if (open > 0) progress.tell(`${signal}: waiting for ${count(open)} confirms; once more stops at once`);
  });
  const publisher = new Publisher(connection, bind, { mustMatch: true });
  const sender = new Sender(publisher, options, tally, progress.advance);
  const startedAt = performance.now();
  let problem = await failureOf(async () => {
    if (source === undefined) return sendOne(sender, flags, own);
    const { jsonLines = false } = flags;
    const lineBytesMax = limits.maxMessageBytes;
    await publishInput(source, sender, { jsonLines, ownOptionsOf: own, lineBytesMax, stop: stop.signal });
  });
  await sender.settled();
  const elapsedMs = performance.now() - startedAt;
  progress.stop();

  if (flags.json) await printJson(summaryObject(bind, tally, elapsedMs));
  problem = sender.failure ?? problem;
  if (problem === undefined && stop.signal.aborted) {
    problem = { error: new CommandError(`stopped by ${stop.signal.reason} before the end of the input`) };
  }
  if (problem !== undefined) throw partly(problem.error, tally);
  if (!flags.json) process.stderr.write(`${summaryLine(tally, elapsedMs)}\n`);
}

async function sendOne(sender: Sender, flags: PublishFlags, own: OwnOptionsOf | undefined): Promise<void> {
  const text = flags.message ?? '';
  const body = flags.jsonLines ? parseJson(text, 'the message') : text;
  await sender.send([body], Buffer.byteLength(text), own && [own(body, 'the message')]);
}

async function failureOf(work: () => Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** Says how far it came before `error`. */
function partly(error: unknown, { confirmed, sent }: Tally): CommandError {
  const tally =
    sent === 0 ? 'nothing was published' : `${count(confirmed)} of ${counted(sent, 'message')} confirmed`;
  return new CommandError(`${errorText(error)}; ${tally}`, { cause: error });
}
