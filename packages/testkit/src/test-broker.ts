import { type RunningServer, type ServerOptions, startServer } from '@simplemq/server';
import { temporaryFolder } from './temporary-folder.ts';

export interface TestBroker extends RunningServer {
  /** Its folder, which goes with it unless `storage.path` was given. */
  readonly path: string;
}

/**
 * A server in this process, on a free port and in a folder of its own, logging nothing: unless `options` say otherwise.
 * Disposing of it removes the folder.
 */
export async function startTestBroker(options: ServerOptions = {}): Promise<TestBroker> {
  const folder = await temporaryFolder();
  try {
    const path = options.storage?.path ?? folder.path;
    const server = await startServer({
      port: 0,
      logs: { level: 'silent' },
      ...options,
      storage: { ...options.storage, path },
    });
    return {
      host: server.host,
      port: server.port,
      path,
      ended: server.ended,
      reload: () => server.reload(),
      close: () => server.close(),
      [Symbol.asyncDispose]: async () => {
        await server.close();
        await folder[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}
