import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SECOND_MS } from '../src/model/time.ts';
import { archiveBytes } from '../src/thresholds/cell-archive.ts';
import { DEFAULT_ENGINE_SETTINGS, engineOf, engineRestorer } from '../src/thresholds/engine.ts';
import { createEngineState } from '../src/thresholds/engine-state.ts';
import type { Piece } from '../src/thresholds/snapshot.ts';
import {
  createLoad,
  type Decimals,
  FRAMES,
  factEntry,
  loadFacts,
  METRICS,
  SHIFT_MS,
  SHIFT_START_MS,
} from './threshold-load.ts';

// The threshold engine alone on one core: readings a second and bytes a channel over the number of
// channels, then the end of a shift, and checkpoints. Each size runs in a process of its own. Of several passes the
// one that took the least CPU time counts: it is the least disturbed by what else runs.
//   npm run bench:thresholds                 1k, 10k, 100k, 1M channels
//   npm run bench:thresholds -- 1000 100000  these sizes
//   node bench/thresholds.ts one 10000 30    one size, minutes of event time
//   node bench/thresholds.ts shift 1000      a whole shift and its end
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const SETTINGS = { ...DEFAULT_ENGINE_SETTINGS, channelsMax: 2_000_000 };
const ROUNDS_PER_MINUTE = 60 / FRAMES;
const PASSES_MAX = 8;
const COST_LINE = '#ns ';

interface Bytes {
  readonly objects: number;
  readonly arrays: number;
}

/** Bytes in use after a full collection: the heap's, and those of typed arrays outside it. */
function bytesUsed(): Bytes {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { objects: heapUsed, arrays: arrayBuffers };
}

/** CPU time of this thread: what one core needs, whatever else the machine does. */
function threadUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

interface Rounds {
  readonly readings: number;
  readonly ms: number;
  readonly results: number;
  /** Longest time that one entry took. */
  readonly msMax: number;
}

/** An engine that knows the facts, and a load that goes on where it stopped. */
function createRun(gateways: number, decimals: Decimals) {
  const load = createLoad(gateways, decimals);
  let pos = 0;
  let round = 0;
  const state = createEngineState(SETTINGS);
  let engine = engineOf(state);
  for (const fact of loadFacts(gateways)) engine.step(factEntry(++pos, fact));

  function one(sum: { results: number; ms: number; msMax: number }): void {
    for (let block = 0; block < load.blocks; block++) {
      const entries = load.block(block, round, pos + 1);
      pos += entries.length;
      const startedUs = threadUs();
      let lastMs = performance.now();
      for (const entry of entries) {
        for (const { kind } of engine.step(entry)) if (kind === 'result') sum.results++;
        const nowMs = performance.now();
        sum.msMax = Math.max(sum.msMax, nowMs - lastMs);
        lastMs = nowMs;
      }
      sum.ms += (threadUs() - startedUs) / 1_000;
    }
    round++;
  }

  return {
    rounds(count: number): Rounds {
      const sum = { results: 0, ms: 0, msMax: 0 };
      for (let i = 0; i < count; i++) one(sum);
      return { ...sum, readings: count * gateways * FRAMES * METRICS.length };
    },
    tick(): { ms: number; outputs: number } {
      const atMs = SHIFT_START_MS + round * FRAMES * SECOND_MS;
      const startedMs = performance.now();
      const tick = { kind: 'tick', receivedAtMs: atMs, sha256: '', atMs } as const;
      const outputs = engine.step({ ...tick, pos: ++pos }).length;
      return { ms: performance.now() - startedMs, outputs };
    },
    /**
     * Bytes that the heap grows by for each reading while no minute closes: what a batch of 50 readings takes,
     * divided among them.
     */
    allocated(): number {
      const entries = load.block(0, round, pos + 1);
      pos += entries.length;
      collect();
      const before = process.memoryUsage().heapUsed;
      for (const entry of entries) engine.step(entry);
      const grown = process.memoryUsage().heapUsed - before;
      return grown / (entries.length * FRAMES * METRICS.length);
    },
    /** Bytes of the minutes that are closed, those of whole pages. */
    closedBytes: () => archiveBytes(state.cells.archive),
    /** A checkpoint into `stored`, which holds the pieces of the one before. */
    checkpoint(stored: Map<string, Buffer>): Checkpoint {
      const snapshot = engine.snapshot();
      const pieces: Piece[] = [];
      let stepMsMax = 0;
      let writtenBytes = 0;
      const startedMs = threadUs() / 1_000;
      let lastMs = startedMs;
      for (const piece of snapshot.pieces) {
        pieces.push(piece);
        const nowMs = threadUs() / 1_000;
        stepMsMax = Math.max(stepMsMax, nowMs - lastMs);
        lastMs = nowMs;
      }
      const before = new Map(stored);
      stored.clear();
      for (const piece of pieces) {
        const known = piece.isStored ? before.get(piece.name) : undefined;
        const bytes = known ?? Buffer.from(piece.bytes());
        if (known === undefined && before.get(piece.name)?.equals(bytes) !== true) {
          writtenBytes += bytes.byteLength;
        }
        stored.set(piece.name, bytes);
      }
      snapshot.end(true);
      return { writtenBytes, copyMs: lastMs - startedMs, stepMsMax };
    },
    /** The engine again from the pieces; they are emptied on the way. */
    restore(stored: Map<string, Buffer>): void {
      const restorer = engineRestorer(SETTINGS);
      for (const [name, bytes] of stored) {
        hash('sha256', bytes, 'buffer');
        const taken = restorer.take(name, bytes);
        if (!taken.ok) throw new Error(taken.detail);
        stored.delete(name);
      }
      const restored = restorer.engine();
      if (!restored.ok) throw new Error(restored.detail);
      engine = restored.value;
    },
  };
}

interface Checkpoint {
  /** Of pieces that the checkpoint before doesn't hold. */
  readonly writtenBytes: number;
  /** CPU time in which the engine must not step, and of the longest piece. */
  readonly copyMs: number;
  readonly stepMsMax: number;
}

const mega = (bytes: number): string => (bytes / 1e6).toFixed(1);
const kilo = (n: number): string => Math.round(n).toLocaleString('en');

/** CPU time of a reading, ns, in the least disturbed of the passes. */
function leastNs(run: ReturnType<typeof createRun>, minutes: number): number {
  const passMinutes = Math.ceil(minutes / PASSES_MAX);
  let least = Number.POSITIVE_INFINITY;
  for (let left = minutes; left > 0; left -= passMinutes) {
    const { ms, readings } = run.rounds(Math.min(left, passMinutes) * ROUNDS_PER_MINUTE);
    least = Math.min(least, (ms * 1e6) / readings);
  }
  return least;
}

/** Throughput and memory at one size; prints one line for people, and one with the cost for `main`. */
function measure(channels: number, minutes: number, decimals: Decimals): void {
  const gateways = channels / METRICS.length;
  const before = bytesUsed();
  const run = createRun(gateways, decimals);
  const facts = bytesUsed();
  run.rounds(ROUNDS_PER_MINUTE + 1);
  const allocated = run.allocated();
  const ns = leastNs(run, minutes);
  const tick = run.tick();
  const after = bytesUsed();
  const closed = run.closedBytes();
  const arrays = (after.arrays - facts.arrays - closed) / channels;
  const objects = (after.objects - facts.objects) / channels;
  const factBytes = facts.objects + facts.arrays - before.objects - before.arrays;
  console.log(
    [
      `${kilo(channels).padStart(9)} channels`,
      `${kilo(1e9 / ns).padStart(10)} readings/s`,
      `${ns.toFixed(0).padStart(4)} ns each`,
      `a channel: ${kilo(arrays + objects)} B (${kilo(arrays)} in arrays, ${kilo(objects)} in objects)`,
      `its facts ${kilo(factBytes / channels)} B`,
      `a closed minute ${(closed / channels / (minutes + 1)).toFixed(0)} B`,
      `tick ${tick.ms.toFixed(1)} ms`,
      `${allocated.toFixed(1)} B allocated a reading`,
    ].join(', '),
  );
  if (channels <= 100_000) measureCheckpoint(run, channels);
  console.log(`${COST_LINE}${ns}`);
}

/** A first checkpoint, the next a minute later, and a restore from that, all without a database. */
function measureCheckpoint(run: ReturnType<typeof createRun>, channels: number): void {
  const stored = new Map<string, Buffer>();
  const print = (name: string, { writtenBytes, copyMs, stepMsMax }: Checkpoint): void => {
    let bytes = 0;
    for (const piece of stored.values()) bytes += piece.byteLength;
    console.log(
      `  ${name} checkpoint ${mega(bytes)} MB (${kilo(bytes / channels)} B a channel) in ` +
        `${kilo(stored.size)} pieces, ${mega(writtenBytes)} MB of it written; the engine waits ` +
        `${kilo(copyMs)} ms, a piece takes ${stepMsMax.toFixed(1)} ms at most (CPU)`,
    );
  };
  print('first', run.checkpoint(stored));
  run.rounds(ROUNDS_PER_MINUTE);
  print('next', run.checkpoint(stored));
  const startedMs = threadUs() / 1_000;
  run.restore(stored);
  const restoredMs = threadUs() / 1_000;
  const next = run.rounds(ROUNDS_PER_MINUTE);
  console.log(
    `  restored in ${kilo(restoredMs - startedMs)} ms, checksums included; ` +
      `next minute ${kilo(next.ms)} ms (CPU)`,
  );
}

/** A whole shift of every channel, and what its end costs. */
function measureShift(channels: number, decimals: Decimals): void {
  const run = createRun(channels / METRICS.length, decimals);
  const shiftRounds = SHIFT_MS / (FRAMES * SECOND_MS);
  const graceRounds = DEFAULT_ENGINE_SETTINGS.graceMs / (FRAMES * SECOND_MS);
  const before = bytesUsed();
  const shift = run.rounds(shiftRounds);
  const after = bytesUsed();
  const usual = run.rounds(graceRounds - 1);
  const end = run.rounds(1);
  const { results } = end;
  const usualMs = usual.ms / (graceRounds - 1);
  console.log(
    `a shift of ${kilo(channels)} channels: ${kilo(shift.readings / (shift.ms / 1_000))} readings/s, ` +
      `${kilo((after.arrays - before.arrays) / channels)} B in arrays and ` +
      `${kilo((after.objects - before.objects) / channels)} B in objects a channel at its end; ` +
      `${kilo(results)} rules judged at once in ${kilo(end.ms - usualMs)} ms: ` +
      `${(((end.ms - usualMs) * 1_000) / results).toFixed(0)} µs each, ` +
      `longest entry ${end.msMax.toFixed(1)} ms`,
  );
  measureCheckpoint(run, channels);
}

/** Minutes of event time that give a size enough to measure. */
const minutesOf = (channels: number): number =>
  Math.max(2, Math.min(240, Math.round(400_000 / channels)));

function main([first, second, third, fourth]: readonly string[], rest: readonly string[]): void {
  if (first === 'one') {
    measure(Number(second), Number(third), (fourth ?? 'decimal') as Decimals);
    return;
  }
  if (first === 'shift') {
    measureShift(Number(second), (third ?? 'decimal') as Decimals);
    return;
  }
  const sizes = rest.length > 0 ? rest.map(Number) : [1_000, 10_000, 100_000, 1_000_000];
  const costs = sizes.map((size) => inProcess('one', String(size), String(minutesOf(size))));
  const ratios = sizes.map((size, i) => `${kilo(size)}: × ${(costs[i]! / costs[0]!).toFixed(2)}`);
  console.log(
    `cost of a reading against that at ${kilo(sizes[0]!)} channels: ${ratios.join(', ')}`,
  );
  inProcess('shift', '2000');
}

/** A process of its own, so that no size sees the memory of another; gives the cost of a reading, ns. */
function inProcess(...args: readonly string[]): number {
  // A young generation in which what is allocated stays until it has been counted.
  const limits = ['--max-old-space-size=16000', '--max-semi-space-size=64'];
  const { stdout } = spawnSync(process.execPath, [...limits, 'bench/thresholds.ts', ...args], {
    stdio: ['inherit', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  const lines = stdout.trimEnd().split('\n');
  console.log(lines.filter((line) => !line.startsWith(COST_LINE)).join('\n'));
  const cost = lines.find((line) => line.startsWith(COST_LINE));
  return cost === undefined ? Number.NaN : Number(cost.slice(COST_LINE.length));
}

main(process.argv.slice(2), process.argv.slice(2));
