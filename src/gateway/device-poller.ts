import type { MetricName } from '../model/ids.ts';
import type { Result } from '../model/result.ts';
import { createBlockResults, resultOfException } from './block-results.ts';
import type { DeviceConfig } from './bus-config.ts';
import { checkIdentity, createDecoder, FAULTY, type Reading, SILENT } from './decode.ts';
import { type Identify, spanOfIdentify } from './device-protocol.ts';
import { type ExceptionMeaning, meaningOf } from './exceptions.ts';
import type { LearnedCuts } from './learned-cuts.ts';
import type { ModbusMaster, ReadFailure, ReadReply } from './modbus/modbus-master.ts';
import {
  extentsOf,
  planReads,
  type ReadBlock,
  rulesOf,
  splitBlock,
  tagLengths,
} from './poll-plan.ts';
import type { ReadCost } from './read-cost.ts';
import type { UnitCounters } from './unit-counters.ts';
import type { UnitTiming } from './unit-timing.ts';

export interface PollOutcome {
  /**
   * `silent`: connected, and the device did not answer; `bus-down`: it could not be asked; `path-down`:
   * the converter says that it can't reach its line.
   */
  readonly kind: 'answered' | 'silent' | 'bus-down' | 'path-down';
  /** Midpoint between the first request that was answered and its last reply; null: none was. */
  readonly readAtMs: number | null;
  /** Every metric of the device, in every outcome. */
  readonly readings: ReadonlyMap<MetricName, Reading>;
}

/** Real time that was spent on what did not answer, and what comes next. */
export type PollStep = { readonly faultMs: number } & (
  | { readonly kind: 'more'; readonly notBeforeMs: number }
  | { readonly kind: 'done'; readonly outcome: PollOutcome }
);

/** One reading of a device, in steps, so that others may have the bus in between. */
export interface Poll {
  /** Requests that it could make at once now; at least one. */
  readyCount(): number;
  /** Makes at most so many requests at a time. */
  step(requestsMax: number): Promise<PollStep>;
}

export interface DevicePoller {
  /** Reads all points. `mayRetry` is asked before a request without an answer is made again. */
  poll(mayRetry: () => boolean): Poll;
  /** Asks for the smallest block only, once, to see whether anybody is there. */
  probe(isShort: boolean): Poll;
  /** What stands for a device that was not asked or did not answer. */
  readonly silent: ReadonlyMap<MetricName, Reading>;
}

export interface DevicePollerSettings {
  readonly device: DeviceConfig;
  readonly master: ModbusMaster;
  readonly cost: ReadCost;
  /** A line tells requests apart by their length alone. */
  readonly isLine: boolean;
  readonly learned: LearnedCuts;
  readonly timing: UnitTiming;
  readonly counters: UnitCounters;
  readonly now: () => number;
  readonly random: () => number;
  /** Something about the device that its operator should know. */
  readonly onNotice: (detail: string) => void;
}

/** Requests that time out or meet a wrong reply are made again at once, so often. */
const RETRIES_MAX = 2;
/** A busy device is asked again so often, each after 100 to 500 ms. */
const BUSY_RETRIES_MAX = 3;
const BUSY_MS_MIN = 100;
const BUSY_MS_MAX = 500;

interface Task {
  readonly block: ReadBlock;
  readonly identify: Identify | null;
  failures: number;
  busy: number;
  faults: number;
  notBeforeMs: number;
}

const taskOf = (block: ReadBlock, identify: Identify | null = null): Task => ({
  block,
  identify,
  failures: 0,
  busy: 0,
  faults: 0,
  notBeforeMs: Number.NEGATIVE_INFINITY,
});

/** Reads one device over its bus: plan, requests, retries, exceptions, decoding. */
export function createDevicePoller(settings: DevicePollerSettings): DevicePoller {
  const { device, master, timing, counters, learned, now } = settings;
  const { protocol } = device;
  const decoders = device.points.map(createDecoder);
  const extents = extentsOf(device.points, protocol);
  const all = (reading: Reading): Map<MetricName, Reading> =>
    new Map(device.points.map(({ metric }) => [metric, reading]));
  const silent = all(SILENT);
  let isIdentified = protocol.identify.length === 0;
  let blocks = plan();
  /** It did not answer last time: what is usual for it does not bind it now. */
  let isDoubtful = false;

  function plan(): ReadBlock[] {
    const rules = rulesOf(device, settings.cost, learned.of(device));
    const planned = planReads(extents, rules);
    return settings.isLine ? tagLengths(planned, rules) : planned;
  }

  /** A device that refuses a block is read in two from now on, also in this poll. */
  function learnFrom(block: ReadBlock, code: number): ReadBlock[] | null {
    const split = splitBlock(block);
    if (split === null) return null;
    learned.add(device, split.cut);
    blocks = plan();
    settings.onNotice(`exception ${code}: not read across ${split.cut.table} ${split.cut.at}`);
    return split.halves;
  }

  function startPoll(
    first: readonly Task[],
    mayRetry: () => boolean,
    isPatient = (): boolean => isDoubtful,
  ): Poll {
    const tasks = [...first];
    const results = createBlockResults();
    let kind: PollOutcome['kind'] = 'answered';
    let isStranger = false;
    let isUnknown = false;
    let sentAtMs: number | null = null;
    let repliedAtMs = 0;
    let faultMs = 0;

    /** The blocks that are left would only wait in vain; the ones that were read stay good. */
    function stop(reason: PollOutcome['kind']): void {
      kind = reason;
      tasks.length = 0;
    }

    async function transact(task: Task): Promise<void> {
      const { block } = task;
      const startedMs = performance.now();
      let ownSentAtMs = now();
      const request = { ...block, unitId: device.unitId };
      const timeoutMs = isPatient() ? device.timeoutMs : timing.timeoutMs();
      const onSent = (): void => {
        ownSentAtMs = now();
      };
      const reply = await master.read(request, timeoutMs, { onSent });
      counters.count(block, reply);
      isDoubtful = !reply.ok;
      if (!reply.ok) faultMs += performance.now() - startedMs;
      if (reply.ok) {
        timing.add(reply.value.rttMs);
        sentAtMs ??= ownSentAtMs;
        repliedAtMs = now();
      }
      settle(task, reply);
    }

    function settle(task: Task, reply: Result<ReadReply, ReadFailure>): void {
      const hasWords = reply.ok && reply.value.kind === 'words';
      // Another request that was under way has ended the poll: words still count, nothing is retried.
      if (kind !== 'answered' && !hasWords) return;
      if (!reply.ok) settleFailure(task, reply.reason);
      else if (reply.value.kind === 'exception') settleException(task, reply.value.code);
      else if (task.identify === null) results.put(task.block, reply.value.words);
      else if (!checkIdentity(task.identify, reply.value.words)) meetStranger();
    }

    function settleFailure(task: Task, reason: ReadFailure): void {
      task.failures += 1;
      if (reason === 'down' || reason === 'lost') stop('bus-down');
      // The same request first: a late answer to the same question is still the right register.
      else if (task.failures <= RETRIES_MAX && mayRetry()) tasks.unshift(task);
      else stop('silent');
    }

    function settleException(task: Task, code: number): void {
      const meaning: ExceptionMeaning = meaningOf(code);
      if (meaning === 'path' || meaning === 'nobody') {
        stop(meaning === 'path' ? 'path-down' : 'silent');
      } else if (meaning === 'later' && task.busy < BUSY_RETRIES_MAX) {
        task.busy += 1;
        const waitMs = BUSY_MS_MIN + settings.random() * (BUSY_MS_MAX - BUSY_MS_MIN);
        task.notBeforeMs = now() + waitMs;
        tasks.push(task);
      } else if (meaning === 'again' && task.faults === 0) {
        task.faults = 1;
        tasks.unshift(task);
      } else if (task.identify !== null) {
        if (meaning === 'later') leaveUnknown();
        else meetStranger();
      } else {
        const halves = meaning === 'split' ? learnFrom(task.block, code) : null;
        if (halves !== null) tasks.unshift(...halves.map((half) => taskOf(half)));
        else results.put(task.block, resultOfException(meaning));
      }
    }

    function meetStranger(): void {
      isStranger = true;
      stop('answered');
    }

    /** It is there, and has no time to say who it is: nothing that it says counts. */
    function leaveUnknown(): void {
      isUnknown = true;
      stop('answered');
    }

    async function finish(): Promise<PollOutcome> {
      const canary = results.wrongCanary(protocol.canary);
      if (canary !== null) {
        counters.fault(`canary ${canary.table} ${canary.address} is not ${canary.equals}`);
        await master.distrust(`${canary.table} ${canary.address} is not ${canary.equals}`);
      }
      if (isStranger) {
        counters.fault('another device answers at this address: it is not what identify expects');
        settings.onNotice('another device answers at this address');
      }
      isIdentified = kind === 'answered' && !isStranger && !isUnknown && canary === null;
      const readings = readingsOf(isStranger || canary !== null);
      const readAtMs = sentAtMs === null ? null : Math.round((sentAtMs + repliedAtMs) / 2);
      return { kind, readAtMs, readings };
    }

    function readingsOf(isFalse: boolean): Map<MetricName, Reading> {
      if (isFalse) return all(FAULTY);
      if (isUnknown) return silent;
      return new Map(decoders.map(({ metric, read }) => [metric, read(results.lookup)] as const));
    }

    /** Who the device is comes before everything that it says. */
    function ready(): Task[] {
      const open = tasks.filter(({ notBeforeMs }) => notBeforeMs <= now());
      return open.some(({ identify }) => identify !== null) ? open.slice(0, 1) : open;
    }

    return {
      readyCount: () => Math.max(1, ready().length),
      async step(requestsMax) {
        faultMs = 0;
        const own = ready().slice(0, requestsMax);
        for (const task of own) tasks.splice(tasks.indexOf(task), 1);
        await Promise.all(own.map(transact));
        if (tasks.length === 0) return { kind: 'done', faultMs, outcome: await finish() };
        const earliestMs = Math.min(...tasks.map(({ notBeforeMs }) => notBeforeMs));
        const pausedMs = own.length === 0 ? 0 : now() + protocol.interRequestMs;
        return { kind: 'more', faultMs, notBeforeMs: Math.max(earliestMs, pausedMs) };
      },
    };
  }

  const identifyTasks = (): Task[] =>
    isIdentified
      ? []
      : protocol.identify.map((identify) => {
          const span = spanOfIdentify(identify);
          return taskOf({ ...span, extents: [span] }, identify);
        });

  return {
    silent,
    poll: (mayRetry) =>
      startPoll([...identifyTasks(), ...blocks.map((block) => taskOf(block))], mayRetry),
    probe(isShort) {
      const smallest = blocks.reduce((a, b) => (b.words < a.words ? b : a));
      return startPoll(
        [taskOf(smallest)],
        () => false,
        () => !isShort,
      );
    },
  };
}
