import { realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, type RunningServer } from '../../processes.ts';
import type { Found } from '../peer.ts';
import { findProgram, launch } from '../programs.ts';

/** Debian's own on the PATH changes to another user and its home; this is what it calls. */
const FOLDERS = ['/usr/lib/rabbitmq/bin'];

export async function findRabbitMq(): Promise<Found> {
  const server = await findProgram('rabbitmq-server', ...FOLDERS);
  if (server === undefined) return { missing: 'rabbitmq-server is not installed' };
  if ((await findProgram('epmd')) === undefined) return { missing: "Erlang's epmd is not on the PATH" };
  const version = /rabbitmq_server-([\d.]+)/.exec(await realpath(server))?.[1];
  return { version: version ?? 'of an unknown version' };
}

/** Starts a node whose every port, Erlang's own too, is one of the loopback interface. */
export async function startRabbitMq(folder: string): Promise<RunningServer> {
  const [port, nodePort, mapperPort] = [await freePort(), await freePort(), await freePort()];
  const mapper = await launch({
    program: (await findProgram('epmd'))!,
    args: ['-port', String(mapperPort), '-address', '127.0.0.1'],
    port: mapperPort,
    address: String(mapperPort),
  });
  try {
    const node = await launch({
      program: (await findProgram('rabbitmq-server', ...FOLDERS))!,
      args: [],
      port,
      address: `amqp://guest:guest@127.0.0.1:${port}`,
      env: await environment(folder, { port, nodePort, mapperPort }),
    });
    return {
      ...node,
      async stop() {
        await node.stop();
        await mapper.stop();
      },
    };
  } catch (error) {
    await mapper.stop();
    throw error;
  }
}

async function environment(
  folder: string,
  { port, nodePort, mapperPort }: { port: number; nodePort: number; mapperPort: number },
): Promise<Record<string, string>> {
  const config = join(folder, 'rabbitmq.conf');
  await writeFile(config, `listeners.tcp.local = 127.0.0.1:${port}\nlog.console.level = error\n`);
  await writeFile(join(folder, 'enabled_plugins'), '[].\n');
  return {
    HOME: folder,
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none.conf'),
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_NODENAME: `bench-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(nodePort),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    // The script becomes the Erlang process, so that its process id is the server's.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_START_ARGS: '-noinput',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
}
