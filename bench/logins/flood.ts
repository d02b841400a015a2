import { RawPeer } from '@simplemq/testkit';
import type { FloodOrders, Outcomes } from './flood-orders.ts';

// Logs in with wrong passwords, in a process of its own, until it is told to stop. What it is told: FloodOrders, 'stop'.
const TICK_MS = 10;
const outcomes: Outcomes = {};
let sent = 0;

process.on('message', (message: FloodOrders | 'stop') => {
  if (message === 'stop') process.send?.(outcomes, () => process.exit(0));
  else if (message.flood !== 'none') begin(message);
});

function begin(orders: FloodOrders): void {
  const begun = performance.now();
  setInterval(() => {
    const due = ((performance.now() - begun) / 1_000) * orders.rate;
    while (sent < due) void logIn(orders, sent++);
  }, TICK_MS);
}

async function logIn({ flood, port }: FloodOrders, number: number): Promise<void> {
  const isMany = flood === 'many addresses';
  const localAddress = isMany ? `127.${1 + (number % 250)}.${(number >> 8) % 250}.7` : '127.0.0.1';
  const password = `wrong password ${number}`;
  const given = flood === 'no credentials' ? {} : { user: isMany ? `user${number}` : 'bench', password };
  let outcome = 'let in';
  try {
    await using peer = await RawPeer.connect({ port, localAddress });
    await peer.hello(given);
  } catch (error) {
    const { code } = error as { code?: string };
    outcome = code ?? 'closed';
  }
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}
