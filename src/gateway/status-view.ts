import { z } from 'zod';
import { SECOND_MS } from '../model/time.ts';

const Count = z.number();
const MsOrNull = z.number().nullable();

/** What `wugan gateway status` shows of a running gateway's answer; more may stand in it. */
export const StatusView = z.looseObject({
  gateway: z.string(),
  build: z.string(),
  epoch: z.string(),
  seq: Count,
  readingsPerSecond: Count,
  framesLost: Count,
  clock: z.looseObject({ source: z.string(), offsetMs: z.number(), errMs: z.number() }),
  spool: z.looseObject({
    items: Count,
    bytes: Count,
    batchesGivenUp: Count,
    fill: z.looseObject({
      share: z.number(),
      hoursLeft: z.number().nullable(),
      warning: z.number().nullable(),
    }),
  }),
  mqtt: z.looseObject({
    isUp: z.boolean(),
    lastReason: z.string().nullable(),
    inFlight: Count,
    unacked: Count,
    lastAckAtMs: MsOrNull,
    refusedMessages: Count,
    lastRefusal: z.string().nullable(),
  }),
  buses: z.array(
    z.looseObject({
      bus: z.string(),
      isUp: z.boolean(),
      utilisation: z.number(),
      isPathDown: z.boolean(),
      foreignMaster: z.enum(['none', 'suspected', 'certain']),
      requests: Count,
      timeouts: Count,
      crcErrors: Count,
      violations: Count,
      drainedBytes: Count,
      lateReplies: Count,
      strayReplies: Count,
      copies: Count,
      foreignRequests: Count,
      echoes: Count,
      connects: Count,
    }),
  ),
  devices: z.array(
    z.looseObject({
      device: z.string(),
      bus: z.string(),
      unitId: Count,
      state: z.string(),
      flaps: Count,
      isFlapping: z.boolean(),
      lastFault: z.looseObject({ text: z.string(), agoMs: Count }).nullable(),
      timeoutMs: Count,
      lastAtMs: MsOrNull,
      skipped: Count,
      silentPolls: Count,
      rttMsP50: MsOrNull,
      rttMsP99: MsOrNull,
      requests: Count,
      timeouts: Count,
      violations: Count,
      exceptions: z.record(z.string(), Count),
    }),
  ),
});
export type StatusView = z.infer<typeof StatusView>;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const ms = (value: number | null): string => (value === null ? '–' : `${value.toFixed(1)} ms`);

function ago(atMs: number | null, nowMs: number): string {
  if (atMs === null) return 'never';
  return `${((nowMs - atMs) / SECOND_MS).toFixed(0)} s ago`;
}

/** What `wugan gateway status --raw` shows. */
export const RawView = z.looseObject({
  buses: z.array(
    z.looseObject({
      bus: z.string(),
      exchanges: z.array(
        z.looseObject({
          agoMs: Count,
          request: z.string().nullable(),
          reply: z.string(),
          outcome: z.string(),
        }),
      ),
    }),
  ),
});

/** The last exchanges of each bus, in hex, oldest first. */
export const rawLines = ({ buses }: z.infer<typeof RawView>): string[] =>
  buses.flatMap(({ bus, exchanges }) => [
    `bus ${bus}`,
    ...exchanges.map(({ agoMs, request, reply, outcome }) => {
      const time = `${(agoMs / SECOND_MS).toFixed(3)} s ago`.padStart(15);
      return `${time}  > ${request ?? '(unasked)'}  < ${reply || '(nothing)'}  ${outcome}`;
    }),
  ]);

/** The status as the installer reads it: the gateway, then each bus with its devices. */
export const statusLines = (status: StatusView, nowMs: number): string[] => [
  `gateway ${status.gateway} ${status.build}, epoch ${status.epoch} seq ${status.seq}`,
  clockLine(status.clock),
  `readings ${status.readingsPerSecond.toFixed(1)} /s, frames lost ${status.framesLost}`,
  spoolLine(status.spool),
  mqttLine(status.mqtt, nowMs),
  ...status.buses.flatMap((bus) => [
    busLine(bus),
    ...status.devices
      .filter((device) => device.bus === bus.bus)
      .map((device) => deviceLine(device, nowMs)),
  ]),
];

const clockLine = ({ source, offsetMs, errMs }: StatusView['clock']): string =>
  `clock ${source}, offset ${offsetMs} ms, error at most ${errMs} ms`;

function spoolLine({ items, bytes, batchesGivenUp, fill }: StatusView['spool']): string {
  const hours = fill.hoursLeft === null ? 'not known yet' : `${fill.hoursLeft.toFixed(1)} h`;
  return [
    `spool ${items} items, ${(bytes / 2 ** 20).toFixed(1)} MiB`,
    `${percent(fill.share)} full`,
    `hours left ${hours}`,
    `batches given up ${batchesGivenUp}`,
    ...(fill.warning === null ? [] : [`WARNING: over ${fill.warning} %`]),
  ].join(', ');
}

const mqttLine = (mqtt: StatusView['mqtt'], nowMs: number): string =>
  [
    `mqtt ${mqtt.isUp ? 'up' : `DOWN (${mqtt.lastReason ?? 'connecting'})`}`,
    `in flight ${mqtt.inFlight}`,
    `unacknowledged ${mqtt.unacked}`,
    `last ack ${ago(mqtt.lastAckAtMs, nowMs)}`,
    `refused messages ${mqtt.refusedMessages}`,
    ...(mqtt.lastRefusal === null ? [] : [`the last one: ${mqtt.lastRefusal}`]),
  ].join(', ');

const FOREIGN_TEXT = {
  none: [],
  suspected: ['WARNING: many wrong checksums, bad wiring or another master'],
  certain: ['ALARM: another master on this line, readings are D'],
} as const;

/** Counts that stand at 0 on a sound line are left out. */
const unusual = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${name} ${count}`]));

const busLine = (bus: StatusView['buses'][number]): string =>
  [
    `bus ${bus.bus} ${bus.isUp ? 'up' : 'DOWN'}`,
    ...(bus.isPathDown ? ['its converter can not reach the line'] : []),
    `${percent(bus.utilisation)} of its time`,
    `requests ${bus.requests}`,
    `time-outs ${bus.timeouts}`,
    `crc ${bus.crcErrors}`,
    `violations ${bus.violations}`,
    `late ${bus.lateReplies}`,
    `drained ${bus.drainedBytes} B`,
    `connects ${bus.connects}`,
    ...unusual({
      'replies to nobody': bus.strayReplies,
      copies: bus.copies,
      'requests of others': bus.foreignRequests,
      echoes: bus.echoes,
    }),
    ...FOREIGN_TEXT[bus.foreignMaster],
  ].join(', ');

function deviceLine(device: StatusView['devices'][number], nowMs: number): string {
  const exceptions = Object.entries(device.exceptions).map(([code, n]) => `${code}: ${n}`);
  const { lastFault } = device;
  const faultAgoS = ((lastFault?.agoMs ?? 0) / SECOND_MS).toFixed(0);
  return [
    `  ${device.device} unit ${device.unitId} ${device.state}`,
    ...(device.isFlapping ? ['FLAPPING'] : []),
    `last frame ${ago(device.lastAtMs, nowMs)}`,
    `rtt p50 ${ms(device.rttMsP50)} p99 ${ms(device.rttMsP99)}`,
    `requests ${device.requests}`,
    `time-outs ${device.timeouts}`,
    `violations ${device.violations}`,
    `silent ${device.silentPolls}`,
    `skipped ${device.skipped}`,
    ...unusual({ 'state changes': device.flaps }),
    ...(exceptions.length === 0 ? [] : [`exceptions ${exceptions.join(' ')}`]),
    ...(lastFault === null ? [] : [`last fault ${faultAgoS} s ago: ${lastFault.text}`]),
  ].join(', ');
}
