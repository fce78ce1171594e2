import { afterEach, expect, it, vi } from 'vitest';
import { ackEpochs, createAcks } from '../../src/ingest/acks.ts';
import type { EpochProgress, EpochState } from '../../src/ingest/journal/epoch-progress.ts';
import { AckMessage } from '../../src/telemetry/messages.ts';
import { HUB_KEY } from './ingest-fixture.ts';

const epoch = (n: number, committed: Partial<EpochState> = {}, touched = 0): EpochProgress =>
  ({
    epoch: `01JDA${String(n).padStart(21, '0')}`,
    touched,
    committed: { durable: n, stored: [], sealed: 0, ...committed },
  }) as unknown as EpochProgress;

const INTERVAL_MS = 60_000;
let close: () => void = () => undefined;
afterEach(() => {
  close();
  vi.useRealTimers();
});

/** Acks under a manual clock. */
function start({ failing = false } = {}) {
  vi.useFakeTimers({ now: 1_000_000 });
  const sent: { gateway: string; atMs: number }[] = [];
  const acks = createAcks({
    ...{ key: HUB_KEY, intervalMs: INTERVAL_MS, now: Date.now, epochsOf: () => [epoch(1)] },
    publish: async (gateway, payload) => {
      AckMessage.parse(JSON.parse(payload.toString()));
      sent.push({ gateway, atMs: Date.now() - 1_000_000 });
    },
    faultPoint: (name) => {
      if (failing && name === 'ack:before-publish') throw new Error('died');
    },
  });
  close = acks.close;
  return { acks, sent };
}

it('sends one ack per gateway and interval, however often something is committed', async () => {
  const { acks, sent } = start();
  for (let atMs = 0; atMs < 3 * INTERVAL_MS; atMs += 1_000) {
    acks.touch(['gw-1', 'gw-2']);
    await vi.advanceTimersByTimeAsync(1_000);
  }
  const times = sent.filter(({ gateway }) => gateway === 'gw-1').map(({ atMs }) => atMs);
  expect(times.length).toBeGreaterThanOrEqual(3);
  expect(times.every((atMs, i) => i === 0 || atMs - (times[i - 1] as number) >= INTERVAL_MS)).toBe(
    true,
  );
});

it('sends nothing for a gateway of which nothing new was committed', async () => {
  const { acks, sent } = start();
  acks.touch(['gw-1']);
  await vi.advanceTimersByTimeAsync(5 * INTERVAL_MS);
  expect(sent).toHaveLength(1);
});

it('sends at once to a gateway that comes online', () => {
  const { acks, sent } = start();
  acks.online('gw-1');
  acks.online('gw-1');
  expect(sent).toEqual([
    { gateway: 'gw-1', atMs: 0 },
    { gateway: 'gw-1', atMs: 0 },
  ]);
});

it('flush() sends what waits', async () => {
  const { acks, sent } = start();
  acks.touch(['gw-1', 'gw-2']);
  await acks.flush();
  expect(sent.map(({ gateway }) => gateway)).toEqual(['gw-1', 'gw-2']);
});

it('publishes nothing past the fault point', async () => {
  const { acks, sent } = start({ failing: true });
  expect(() => acks.online('gw-1')).toThrow('died');
  expect(sent).toEqual([]);
});

it('ackEpochs() names the latest four, and of the others the latest with something unsettled', () => {
  const epochs = Array.from({ length: 60 }, (_, n) =>
    epoch(n, n % 2 === 0 ? { stored: [[n + 2, n + 3]] } : {}),
  );
  const named = ackEpochs(epochs).map(({ durable }) => durable);
  expect(named.slice(-4)).toEqual([56, 57, 58, 59]);
  expect(named.slice(0, -4)).toEqual(Array.from({ length: 12 }, (_, i) => 32 + 2 * i));
});

it('ackEpochs() names at most 64 ranges of an epoch, the lowest', () => {
  const stored = Array.from({ length: 100 }, (_, i) => [10 + 3 * i, 11 + 3 * i] as const);
  const [named] = ackEpochs([epoch(1, { stored })]);
  expect(named?.stored).toEqual(stored.slice(0, 64));
});
