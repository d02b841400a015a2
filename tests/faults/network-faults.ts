import type { Fault } from './fault.ts';

const RESETS_PAUSE_MS = 300;
const SLOW_MS_MAX = 200;
const SLOW_READER_BYTES_MIN = 16 * 1024;
const SLOW_READER_BYTES_MAX = 256 * 1024;
/** Who is left of a connection has not noticed yet. */
const UNNOTICED_MS = 20;

const reset: Fault = {
  name: 'reset',
  title: 'connections reset, again and again',
  async run(world, ms) {
    const before = world.proxy.connections;
    for (let passed = 0; passed < ms; passed += RESETS_PAUSE_MS) {
      world.proxy.cut();
      await world.pass(RESETS_PAUSE_MS);
    }
    return world.proxy.connections > before;
  },
};

const blackHole: Fault = {
  name: 'black-hole',
  title: 'nothing passes, and nobody is told',
  async run(world, ms) {
    world.proxy.stall();
    await world.pass(ms);
    const bytes = world.proxy.passedBytes;
    await world.pass(50);
    const isStalled = world.proxy.passedBytes === bytes;
    world.proxy.resume();
    return isStalled;
  },
};

const down: Fault = {
  name: 'down',
  title: 'the broker cannot be reached',
  async run(world, ms) {
    world.proxy.isDown = true;
    world.proxy.cut();
    const before = world.proxy.refused;
    await world.pass(ms);
    world.proxy.isDown = false;
    return world.proxy.refused > before;
  },
};

const oneWay: Fault = {
  name: 'one-way',
  title: 'a cut in one direction',
  async run(world, ms) {
    const way = world.random.pick(['to the broker', 'to the client'] as const);
    const before = world.proxy.passedBytes;
    world.proxy.stallOneWay(way);
    await world.pass(ms);
    const passed = world.proxy.passedBytes > before;
    world.proxy.resume();
    return passed;
  },
};

const byteAtATime: Fault = {
  name: 'byte-at-a-time',
  title: 'a byte at a time',
  async run(world, ms) {
    world.proxy.pieceBytes = 1;
    const before = world.proxy.passedBytes;
    await world.pass(ms);
    world.proxy.pieceBytes = 0;
    return world.proxy.passedBytes > before;
  },
};

const slow: Fault = {
  name: 'slow-network',
  title: 'a slow network',
  async run(world, ms) {
    world.proxy.delayMs = 1 + world.random.below(SLOW_MS_MAX);
    const before = world.proxy.passedBytes;
    await world.pass(ms);
    world.proxy.delayMs = 0;
    return world.proxy.passedBytes > before;
  },
};

const halfOpen: Fault = {
  name: 'half-open',
  title: 'one end of each connection gone, and the other not told',
  async run(world, ms) {
    world.proxy.loseEnds(world.random.pick(['the broker', 'the client'] as const));
    await world.pass(UNNOTICED_MS);
    const isHalfOpen = world.proxy.halfOpen > 0;
    await world.pass(ms);
    return isHalfOpen;
  },
};

const slowReader: Fault = {
  name: 'slow-reader',
  title: 'clients that read slowly',
  async run(world, ms) {
    world.proxy.readBytesPerSecond =
      SLOW_READER_BYTES_MIN + world.random.below(SLOW_READER_BYTES_MAX - SLOW_READER_BYTES_MIN);
    const before = world.proxy.slowed;
    await world.pass(ms);
    world.proxy.readBytesPerSecond = 0;
    return world.proxy.slowed > before;
  },
};

const doubled: Fault = {
  name: 'doubled',
  title: 'all that clients send, twice, on two connections',
  async run(world, ms) {
    world.proxy.isDoubling = true;
    world.proxy.cut();
    const before = world.proxy.doubledBytes;
    await world.pass(ms);
    world.proxy.cutDoubles();
    return world.proxy.doubledBytes > before;
  },
};

export const NETWORK_FAULTS: readonly Fault[] = [
  reset,
  blackHole,
  down,
  oneWay,
  byteAtATime,
  slow,
  halfOpen,
  slowReader,
  doubled,
];
