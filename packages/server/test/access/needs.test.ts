import { Forbidden, Opcode } from '@simplemq/protocol';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Access } from '../../src/access/access.ts';
import { NEEDS } from '../../src/access/needs.ts';
import { AuditLog } from '../../src/logs/audit-log.ts';
import { HANDLERS } from '../../src/session/requests/handlers.ts';
import type { RequestContext } from '../../src/session/requests/request.ts';
import { Grants } from '../../src/users/grants.ts';
import { FakeEngine } from '../fake-engine.ts';

test('every request that there is has an entry, and no other', () => {
  expect([...NEEDS.keys()].sort()).toEqual([...HANDLERS.keys()].sort());
});

test('a request without an entry is refused, to an administrator too', () => {
  const grants = new Grants([{ pattern: '.*', rights: ['admin'] }]);
  const access = new Access({
    user: { name: 'root', record: { name: 'root', grants: [], tokens: [] }, grants },
    address: '192.0.2.1',
    audit: new AuditLog(pino({ level: 'silent' })),
    context: { engine: new FakeEngine() } as unknown as RequestContext,
  });
  expect(() => access.contextOf(Opcode.CreateStream)).not.toThrow();
  // Heartbeats are taken before requests are looked at: as good as an opcode that was added and forgotten.
  expect(() => access.contextOf(Opcode.Heartbeat)).toThrow(Forbidden);
});
