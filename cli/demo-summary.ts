import type { Platform } from '../simulators/platform.ts';
import type { ReceivedClue } from '../simulators/platform-store.ts';
import type { VirtualClock } from '../simulators/virtual-clock.ts';
import { ClueBody } from '../src/alerts/clue-body.ts';
import type { Hub } from '../src/hub/hub.ts';
import { createAverageRate } from './average-rate.ts';
import type { SummaryPrinter } from './summary.ts';

/** How often the live summary is renewed. */
const EVERY_MS = 1_000;
/** Over which the rate of readings is averaged. */
const RATE_OVER_MS = 10_000;

/** Prints the summary once a second and each clue as it reaches the platform. */
export function startDemoSummary(demo: {
  readonly hub: Hub;
  readonly platform: Platform;
  readonly clock: VirtualClock;
  readonly speed: number;
  readonly printer: SummaryPrinter;
}): { close(): Promise<void> } {
  const { hub, platform, clock, printer } = demo;
  let announced = platform.received().length;
  const rate = createAverageRate(RATE_OVER_MS);
  let running: Promise<void> = Promise.resolve();

  async function show(): Promise<void> {
    const status = await hub.status();
    const received = platform.received();
    for (const clue of received.slice(announced)) announce(clue, printer);
    announced = received.length;
    printer.show({
      virtualNowMs: clock.now(),
      speed: clock.isLive() ? 1 : demo.speed,
      readingsPerSecond: rate(hub.stats().readings, performance.now()),
      journalPos: status.shards[0]?.pos ?? 0,
      evaluatorLag: status.shards[0]?.lag ?? 0,
      postsNear: status.standings.near,
      postsOver: status.standings.over,
      cluesPushed: new Set(received.map((clue) => clue.clueNo)).size,
      deadLetters: status.deadLetters.count,
    });
  }

  const timer = setInterval(() => {
    running = running.then(show).catch((error: Error) => {
      printer.event('summary-failed', `summary: ${error.message}`);
    });
  }, EVERY_MS);
  return {
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });

function announce({ clueNo, revision, body }: ReceivedClue, printer: SummaryPrinter): void {
  const { enterprise, post, limit, observed } = ClueBody.parse(body);
  printer.event(
    'clue',
    `clue ${clueNo} (revision ${revision}) at the platform: ${enterprise.name}, ${post.name}, ` +
      `${limit.kind} ${number.format(observed.value ?? observed.lowerBound)} ` +
      `against ${number.format(limit.value)} ${limit.unit}`,
    { clueNo, revision, enterprise: enterprise.uscc, limitKind: limit.kind },
  );
}
