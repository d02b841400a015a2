import { mkdtempSync, realpathSync } from 'node:fs';
import { editedSource } from './broker/broker-source.ts';
import { KINDS } from './crash-states.ts';
import { record } from './record.ts';

const folder = realpathSync(mkdtempSync('/tmp/cs/r-'));
const kind = KINDS[(process.argv[2] ?? 'dense') as 'dense'];
const source = editedSource(folder, kind.edits);
const t = performance.now();
console.log(folder, await record({ source, folder, size: kind.size, seed: 1 }), performance.now() - t);
