import { Gauge, Registry } from 'prom-client';
import type { StatusView } from './status-view.ts';

/** A device's state as a number, so that it can be drawn and alarmed on. */
const STATES = ['HEALTHY', 'SUSPECT', 'DEMOTED'] as const;
const FOREIGN = ['none', 'suspected', 'certain'] as const;

type Labels = Readonly<Record<string, string>>;

/** The status as Prometheus text, for the textfile collector of node_exporter: no port is opened. */
export function statusMetrics(status: StatusView): Promise<string> {
  const registry = new Registry();
  const gauges = new Map<string, Gauge>();
  const set = (name: string, help: string, value: number | null, labels: Labels = {}): void => {
    if (value === null) return;
    const labelNames = Object.keys(labels);
    const gauge = gauges.get(name) ?? new Gauge({ name, help, labelNames, registers: [registry] });
    gauges.set(name, gauge);
    gauge.set(labels, value);
  };
  const { spool, mqtt, clock } = status;
  set('wugan_gateway_frames_lost', 'frames that no disk took', status.framesLost);
  set('wugan_gateway_clock_error_ms', 'how wrong the clock may be', clock.errMs);
  set('wugan_gateway_spool_items', 'messages without ack', spool.items);
  set('wugan_gateway_spool_bytes', 'bytes of the spool', spool.bytes);
  set('wugan_gateway_spool_share', 'how full the spool is, 0 to 1', spool.fill.share);
  set('wugan_gateway_spool_hours_left', 'until the oldest would be given up', spool.fill.hoursLeft);
  set('wugan_gateway_batches_given_up', 'batches that became gaps', spool.batchesGivenUp);
  set('wugan_gateway_mqtt_up', '1: connected', Number(mqtt.isUp));
  const lastAckS = mqtt.lastAckAtMs === null ? null : mqtt.lastAckAtMs / 1_000;
  set('wugan_gateway_last_ack_seconds', 'hub time of the last ack', lastAckS);
  set(
    'wugan_gateway_refused_messages',
    'acks and commands that did not verify',
    mqtt.refusedMessages,
  );
  for (const bus of status.buses) busMetrics(bus, set);
  for (const device of status.devices) deviceMetrics(device, set);
  return registry.metrics();
}

type Set = (name: string, help: string, value: number | null, labels?: Labels) => void;

function busMetrics(one: StatusView['buses'][number], set: Set): void {
  const { bus } = one;
  set('wugan_gateway_bus_up', '1: connected', Number(one.isUp), { bus });
  const foreign = FOREIGN.indexOf(one.foreignMaster);
  set('wugan_gateway_bus_foreign_master', '0 none, 1 suspected, 2 certain', foreign, { bus });
  const counts = {
    requests: one.requests,
    timeouts: one.timeouts,
    crc_errors: one.crcErrors,
    violations: one.violations,
    late_replies: one.lateReplies,
    stray_replies: one.strayReplies,
    copies: one.copies,
    foreign_requests: one.foreignRequests,
    connects: one.connects,
  };
  for (const [what, count] of Object.entries(counts)) {
    set('wugan_gateway_bus_events', 'counts of the bus since the start', count, { bus, what });
  }
}

function deviceMetrics(one: StatusView['devices'][number], set: Set): void {
  const { bus, device } = one;
  const labels = { bus, device };
  const state = STATES.findIndex((name) => String(name) === one.state);
  set('wugan_gateway_device_state', '0 healthy, 1 suspect, 2 demoted', state, labels);
  set('wugan_gateway_device_flapping', '1: changes to and fro', Number(one.isFlapping), labels);
  set('wugan_gateway_device_state_changes', 'changes of its state', one.flaps, labels);
  set('wugan_gateway_device_silent_polls', 'polls without an answer', one.silentPolls, labels);
  set('wugan_gateway_device_skipped', 'grid times left out', one.skipped, labels);
  set('wugan_gateway_device_rtt_p99_ms', 'round trip', one.rttMsP99, labels);
}
