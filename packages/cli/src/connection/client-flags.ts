import { type Command, Option } from 'commander';
import { wholeNumber } from '../arguments/whole-number.ts';

/** What every command that speaks to a broker takes. */
export interface ClientFlags {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly json?: boolean;
}

const GROUP = 'Broker:';

/** Adds the options that say which broker, and as whom. Called last, so that a help ends with them. */
export function takesBroker(command: Command): Command {
  return command
    .addOption(
      new Option('--host <host>', 'where it is').default('localhost').env('SIMPLEMQ_HOST').helpGroup(GROUP),
    )
    .addOption(
      new Option('--port <port>', 'its port')
        .default(9090)
        .argParser(wholeNumber(1, 65_535))
        .env('SIMPLEMQ_PORT')
        .helpGroup(GROUP),
    )
    .addOption(
      new Option(
        '--user <name>',
        'user; the password or token comes from SIMPLEMQ_PASSWORD, or is asked for',
      ).helpGroup(GROUP),
    )
    .addOption(new Option('--tls', 'speak TLS').helpGroup(GROUP))
    .addOption(
      new Option('--tls-ca <file>', "who signs the broker's certificate; implies --tls").helpGroup(GROUP),
    )
    .addOption(new Option('--tls-cert <file>', 'certificate of this client; implies --tls').helpGroup(GROUP))
    .addOption(new Option('--tls-key <file>', 'its key').helpGroup(GROUP));
}
