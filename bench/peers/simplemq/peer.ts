import { readFile } from 'node:fs/promises';
import { startSimpleMq } from '../../processes.ts';
import type { Peer } from '../peer.ts';

export const SIMPLEMQ: Peer = {
  id: 'simplemq',
  name: 'SimpleMQ',
  durability: 'synced',
  confirm: 'after an fsync',
  client: new URL('./client.ts', import.meta.url),
  jobs: new URL('./jobs.ts', import.meta.url),
  async find() {
    const text = await readFile(new URL('../../../packages/server/package.json', import.meta.url), 'utf8');
    return { version: (JSON.parse(text) as { version: string }).version };
  },
  start: startSimpleMq,
};
