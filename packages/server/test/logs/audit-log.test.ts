import { expect, test } from 'vitest';
import { AuditLog } from '../../src/logs/audit-log.ts';
import { LogLines } from '../log-lines.ts';

const ADDRESS = '192.0.2.1';

function auditLog(): { audit: AuditLog; lines: LogLines['all'] } {
  const log = new LogLines();
  return { audit: new AuditLog(log.logger), lines: log.all };
}

test('a user who asks for another stream each time fills no log: past some, requests are added up', () => {
  const { audit, lines } = auditLog();
  const request = 'STREAM_INFO';
  const refuse = (user: string, i: number) => {
    audit.requestRefused({ user, address: `${ADDRESS}:${i}`, request, stream: `s${i}` });
  };
  for (let i = 0; i < 20_000; i++) refuse('nobody', i);
  const told = lines.length;
  expect(told).toBeLessThan(1_000);
  // Others are told of all the same.
  refuse('ann', 1);
  expect(lines.at(-1)).toMatchObject({ user: 'ann', stream: 's1' });
  audit.flush();
  expect(lines.length).toBe(told + 2);
  expect(lines.at(-1)).toMatchObject({ event: 'request.refused', user: 'nobody', address: ADDRESS });
  expect(lines.at(-1)?.times).toBe(20_000 - told);
});

test('who tries another user name each time fills no log, from however many addresses', () => {
  const { audit, lines } = auditLog();
  for (let i = 0; i < 5_000; i++) audit.loginFailed({ user: `user${i}`, address: ADDRESS });
  for (let i = 0; i < 5_000; i++) audit.loginFailed({ user: `user${i}`, address: `2001:db8::${i}` });
  const told = lines.length;
  expect(told).toBeLessThan(1_000);
  audit.flush();
  const summed = lines.slice(told).reduce((sum, { times }) => sum + Number(times), 0);
  expect(summed).toBe(10_000 - told);
});

test('what is told again after it was added up begins anew', () => {
  const { audit, lines } = auditLog();
  for (let i = 0; i < 3; i++) audit.loginFailed({ user: 'ann', address: ADDRESS });
  audit.flush();
  audit.loginFailed({ user: 'ann', address: ADDRESS });
  expect(lines.map(({ msg, times }) => [msg, times])).toEqual([
    ['a login failed', undefined],
    ['a login failed, again', 2],
    ['a login failed', undefined],
  ]);
});
