import { pino } from 'pino';
import { type Platform, startPlatform } from '../simulators/platform.ts';
import { ClueHistoryView } from '../src/api/clue-history.ts';

/** What the hub of a bench pushes with. */
export const PLATFORM_KEYS = { accessKey: 'bench', secretKey: 'bench' } as const;

export const startBenchPlatform = (): Promise<Platform> =>
  startPlatform({ host: '127.0.0.1', port: 0, ...PLATFORM_KEYS, log: pino({ level: 'silent' }) });

/**
 * Waits until nothing is pending any more, then: from the arrival of the batch that released a
 * revision to the arrival of its push at the platform, ms, ascending, one per revision that the
 * platform holds. `api`: the hub's address.
 */
export async function pushLatenciesMs(api: string, platform: Platform): Promise<number[]> {
  while ((await pendingPushes(api)) > 0) await new Promise((next) => setTimeout(next, 100));
  const received = platform.received();
  const releasedAtMs = new Map<string, number>();
  for (const clueNo of new Set(received.map((clue) => clue.clueNo))) {
    const answer = await fetch(`${api}/api/v1/clues/${clueNo}`);
    const { events } = ClueHistoryView.parse(await answer.json());
    for (const { type, atMs, detail } of events) {
      if (type !== 'RELEASED') continue;
      releasedAtMs.set((detail as { idempotencyKey: string }).idempotencyKey, atMs);
    }
  }
  return received
    .map(({ idempotencyKey, receivedAtMs }) => {
      const atMs = releasedAtMs.get(idempotencyKey);
      if (atMs === undefined) throw new Error(`${idempotencyKey} was pushed and not released`);
      return receivedAtMs - atMs;
    })
    .sort((a, b) => a - b);
}

async function pendingPushes(api: string): Promise<number> {
  const text = await (await fetch(`${api}/metrics`)).text();
  const rows = /^wugan_outbox_rows\{[^}]*state="pending"[^}]*\} (\d+)$/m.exec(text)?.[1];
  if (rows === undefined) throw new Error('The hub shows no wugan_outbox_rows');
  return Number(rows);
}
