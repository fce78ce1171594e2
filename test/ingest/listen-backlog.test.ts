import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, it, vi } from 'vitest';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Gateways of a fleet that come back together, as after an outage. */
const TOGETHER = 2_000;

it('listenMqtt() keeps a place for a whole fleet that comes at once, however busy its thread is', async () => {
  const busy = new Worker(new URL('./busy-listener.ts', import.meta.url));
  open.push(() => busy.terminate());
  const port = await new Promise<number>((resolve) => busy.once('message', resolve));
  // From its message on the listener takes nothing: only the kernel holds who comes.
  let connected = 0;
  for (let i = 0; i < TOGETHER; i += 1) {
    const socket: Socket = connect(port, '127.0.0.1', () => {
      connected += 1;
    });
    socket.on('error', () => undefined);
    open.push(() => socket.destroy());
  }
  await vi.waitFor(() => expect(connected).toBe(TOGETHER), { timeout: 20_000, interval: 20 });
}, 30_000);
