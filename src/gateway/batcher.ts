import { BATCH_BYTES_MAX, BATCH_VALUES_MAX, type ClockState, type Frame } from '../model/batch.ts';
import type { DeviceId, MetricName } from '../model/ids.ts';
import type { Logger } from '../process/log.ts';
import { BATCH_HEADER_BYTES_MAX, type BatchHeader, encodeBatch } from './batch-bytes.ts';
import { splitFrame } from './frame-split.ts';
import type { EpochReason, Spool, StagedFrame } from './spool.ts';

const FRAMES_BYTES_MAX = BATCH_BYTES_MAX - BATCH_HEADER_BYTES_MAX;
/** Frames that wait in memory while the disk takes none; then the oldest are lost, and counted. */
const WAITING_FRAMES_MAX = 20_000;

/** A frame as it waits: what feeds rules, and what does not. */
interface Waiting {
  readonly device: DeviceId;
  readonly atMs: number;
  readonly main: StagedFrame | null;
  readonly spare: StagedFrame | null;
}

/** What a reload may change. */
export interface BatchPlan {
  readonly header: BatchHeader;
  readonly framesMax: number;
  /** Metrics that feed no rule, by device: they get batches of their own. */
  readonly spare: ReadonlyMap<DeviceId, ReadonlySet<MetricName>>;
  /** How long those are gathered for one batch; on the disk, so that a kill loses none. */
  readonly spareMaxAgeMs: number;
}

export interface BatcherSettings {
  readonly plan: BatchPlan;
  readonly spool: Pick<Spool, 'append' | 'openEpoch' | 'staged'>;
  readonly now: () => number;
  /** How the time is known when a batch is made. */
  readonly clockState: () => ClockState;
  readonly log: Logger;
  /** A batch is in the spool. */
  readonly onSpooled: () => void;
}

export interface Batcher {
  /** Takes a frame; what fills a batch goes to the spool at once. */
  add(frame: Frame): void;
  /** What waits goes into the running epoch; the next batch opens a new one. */
  startEpoch(reason: EpochReason): void;
  /** Puts all waiting frames into the spool. A spool that fails leaves them waiting. */
  flush(): void;
  /** What waits is put into the spool by the old plan; what comes follows the new one. */
  follow(plan: BatchPlan): void;
  /** Values taken so far, and frames lost because the disk took none for too long. */
  counters(): { readonly values: number; readonly framesLost: number };
}

/** Gathers frames into batches of at most 256 KiB, 2,000 values, and `framesMax` frames. */
export function createBatcher(settings: BatcherSettings): Batcher {
  let { plan } = settings;
  let waiting: Waiting[] = [];
  const open = createTally();
  /** Frames that lie staged in the spool. */
  const staged = createTally();
  let stagedSinceMs = settings.now();
  let values = 0;
  let framesLost = 0;
  let isFailing = false;
  let nextEpoch: EpochReason | null = null;
  for (const frame of settings.spool.staged()) staged.add([frame]);

  function add(frame: Frame): void {
    const entry = waitingOf(frame, plan.spare.get(frame.device));
    const parts = partsOf(entry);
    values += parts.reduce((sum, { valueCount }) => sum + valueCount, 0);
    if (!open.fits(parts, WAITING_FRAMES_MAX) && !isFailing) flush();
    waiting.push(entry);
    open.add(parts);
    if (waiting.length >= plan.framesMax && !isFailing) flush();
    if (waiting.length > WAITING_FRAMES_MAX) {
      waiting.shift();
      framesLost += 1;
    }
  }

  function flush(): void {
    while (waiting.length > 0) {
      const count = countThatFits();
      if (!spool(waiting.slice(0, count))) return;
      waiting = waiting.slice(count);
    }
    open.clear();
    const isDue = settings.now() - stagedSinceMs >= plan.spareMaxAgeMs;
    if (isDue) spoolStaged();
  }

  function countThatFits(): number {
    const tally = createTally();
    let count = 0;
    for (const entry of waiting) {
      const parts = partsOf(entry);
      if (count > 0 && !tally.fits(parts, plan.framesMax)) break;
      tally.add(parts);
      count += 1;
    }
    return count;
  }

  function spool(entries: readonly Waiting[]): boolean {
    const main = entries.flatMap((entry) => entry.main ?? []);
    const spare = entries.flatMap((entry) => entry.spare ?? []);
    if (!staged.fits(spare, plan.framesMax) && !spoolStaged()) return false;
    const createdAtMs = settings.now();
    if (staged.isEmpty()) stagedSinceMs = createdAtMs;
    const texts = main.map(({ frame }) => frame);
    const { header } = plan;
    const time = { createdAtMs, clock: settings.clockState() };
    const isSpooled = append({
      createdAtMs,
      encode: texts.length === 0 ? null : (link) => encodeBatch(header, link, time, texts),
      positions: new Map(entries.map(({ device, atMs }) => [device, atMs])),
      staged: spare,
    });
    if (isSpooled) staged.add(spare);
    return isSpooled;
  }

  /** Makes the batch of what was staged. */
  function spoolStaged(): boolean {
    if (staged.isEmpty()) return true;
    const createdAtMs = settings.now();
    const { header } = plan;
    const isSpooled = append({
      createdAtMs,
      encode(link) {
        const texts = settings.spool.staged().map(({ frame }) => frame);
        return encodeBatch(header, link, { createdAtMs, clock: settings.clockState() }, texts);
      },
      positions: new Map(),
      isOfStaged: true,
    });
    if (isSpooled) staged.clear();
    return isSpooled;
  }

  /** A disk that is full or broken is no bug: the frames wait, and the next flush tries again. */
  function append(batch: Parameters<Spool['append']>[0]): boolean {
    try {
      if (nextEpoch !== null) settings.spool.openEpoch(nextEpoch, batch.createdAtMs);
      nextEpoch = null;
      settings.spool.append(batch);
    } catch (error) {
      if (!isFailing) settings.log.error({ err: error }, 'cannot write the spool; frames wait');
      isFailing = true;
      return false;
    }
    if (isFailing) settings.log.info({ framesLost }, 'the spool takes frames again');
    isFailing = false;
    settings.onSpooled();
    return true;
  }

  function flushAll(): void {
    flush();
    spoolStaged();
  }

  return {
    add,
    startEpoch(reason) {
      flushAll();
      nextEpoch ??= reason;
    },
    flush,
    follow(next) {
      flushAll();
      plan = next;
    },
    counters: () => ({ values, framesLost }),
  };
}

function waitingOf(frame: Frame, spareMetrics: ReadonlySet<MetricName> | undefined): Waiting {
  const { main, spare } = splitFrame(frame, spareMetrics);
  return { device: frame.device, atMs: frame.at, main: textOf(main), spare: textOf(spare) };
}

const textOf = (frame: Frame | null): StagedFrame | null =>
  frame === null
    ? null
    : { frame: JSON.stringify(frame), valueCount: Object.keys(frame.values).length };

const partsOf = ({ main, spare }: Waiting): StagedFrame[] =>
  [main, spare].filter((part) => part !== null);

/** Counts what a batch would hold. */
function createTally() {
  let frames = 0;
  let bytes = 0;
  let valueCount = 0;
  const bytesOf = (parts: readonly StagedFrame[]): number =>
    parts.reduce((sum, { frame }) => sum + Buffer.byteLength(frame) + 1, 0);
  const valuesOf = (parts: readonly StagedFrame[]): number =>
    parts.reduce((sum, part) => sum + part.valueCount, 0);
  return {
    isEmpty: () => frames === 0,
    fits: (parts: readonly StagedFrame[], framesMax: number): boolean =>
      frames + parts.length <= framesMax &&
      bytes + bytesOf(parts) <= FRAMES_BYTES_MAX &&
      valueCount + valuesOf(parts) <= BATCH_VALUES_MAX,
    add(parts: readonly StagedFrame[]): void {
      frames += parts.length;
      bytes += bytesOf(parts);
      valueCount += valuesOf(parts);
    },
    clear(): void {
      frames = 0;
      bytes = 0;
      valueCount = 0;
    },
  };
}
