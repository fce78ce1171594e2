import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { EdgeEvent, EdgeMessage } from '../../../src/telemetry/sparkplug/edge-message.ts';
import {
  createEdgeSession,
  type EdgeSession,
} from '../../../src/telemetry/sparkplug/edge-session.ts';
import { declaredOf } from '../../../src/telemetry/sparkplug/metric-table.ts';
import type { SparkplugMetric } from '../../../src/telemetry/sparkplug/payload.ts';
import {
  declared,
  deviceBirth,
  deviceData,
  deviceDeath,
  float,
  int,
  message,
  nodeBirth,
  nodeData,
  nodeDeath,
  T0,
} from './messages.ts';

const SETTINGS = {
  reorderTimeoutMs: 5_000,
  rebirthIntervalMs: 10_000,
  heldMessagesMax: 8,
  heldMsMax: 60_000,
};

let session: EdgeSession;
let nowMs: number;
beforeEach(() => {
  session = createEdgeSession(SETTINGS);
  nowMs = 1_000;
});

const take = (...messages: EdgeMessage[]): EdgeEvent[] =>
  messages.flatMap((next) => session.take(next, nowMs));

/** An event in a line: what became of which message, and why. */
const line = (event: EdgeEvent): string => {
  const { kind, payload, device } = event.message;
  const what = `${event.kind} ${kind}${device === null ? '' : `/${device}`} ${payload.seq ?? '-'}`;
  return event.kind === 'unusable' ? `${what} ${event.reason}` : what;
};
const lines = (events: readonly EdgeEvent[]): string[] => events.map(line);

/** Born with an alias of the node and a device with another. */
function born(seq = 0, bdSeq = 3): EdgeEvent[] {
  return take(
    nodeBirth(seq, bdSeq, [declared('Node/Temp', 1)]),
    deviceBirth((seq + 1) % 256, 'a', [declared('Noise', 7), declared('Raw', 8, 'Int16')]),
  );
}

const noise = (seq: number, value = 80) =>
  deviceData(seq, 'a', [{ alias: 7, timestampMs: T0, value: float(value) }]);

describe('births', () => {
  it('bring node and device online, with what their names and aliases mean', () => {
    const events = born();
    expect(lines(events)).toEqual(['readings NBIRTH 0', 'readings DBIRTH/a 1']);
    expect(session.status()).toBe('online');
    expect(session.devicesOnline()).toBe(1);
    const [data] = take(noise(2));
    expect(data).toMatchObject({ kind: 'readings' });
    const { table } = data as Extract<EdgeEvent, { kind: 'readings' }>;
    const [metric] = (data as EdgeEvent).message.payload.metrics as [SparkplugMetric];
    expect(declaredOf(metric, table)).toEqual({ name: 'Noise', alias: 7, datatype: 9 });
  });

  it('may start with any seq from 0 to 255, and the next is one more, 0 after 255', () => {
    for (const start of [0, 1, 17, 254, 255]) {
      session = createEdgeSession(SETTINGS);
      born(start);
      expect(lines(take(noise((start + 2) % 256)))).toEqual([
        `readings DDATA/a ${(start + 2) % 256}`,
      ]);
      expect(session.status()).toBe('online');
    }
  });

  it('replace what was declared before', () => {
    born();
    expect(session.isRebirthDue(nowMs)).toBe(false);
    const [again] = take(deviceBirth(2, 'a', [declared('Noise', 9)]));
    expect(again?.kind).toBe('readings');
    take(noise(3));
    // Alias 7 means nothing any more.
    expect(session.isRebirthDue(nowMs)).toBe(true);
  });

  it('of the edge node end what was known of its devices', () => {
    born();
    take(nodeBirth(0, 4, [declared('Node/Temp', 1)]));
    expect(session.devicesOnline()).toBe(0);
    expect(lines(take(noise(1)))).toEqual(['unusable DDATA/a 1 sparkplug-unborn']);
    expect(session.isRebirthDue(nowMs)).toBe(true);
  });

  it.each<[string, EdgeMessage]>([
    ['without bdSeq', message('NBIRTH', { timestampMs: T0, seq: 0, metrics: [] })],
    ['without seq', message('NBIRTH', { timestampMs: T0, metrics: [] })],
    ['of a seq above 255', nodeBirth(256, 1)],
    [
      'without a timestamp',
      message('NBIRTH', { seq: 0, metrics: [{ name: 'bdSeq', datatype: 4, value: int(1) }] }),
    ],
    ['with one alias twice', nodeBirth(0, 1, [declared('a', 5), declared('b', 5)])],
    ['with one name twice', nodeBirth(0, 1, [declared('a', 5), declared('a', 6)])],
  ])('are no births %s', (_, birth) => {
    expect(lines(take(birth))[0]).toMatch(/^unusable NBIRTH \S+ sparkplug-birth$/);
    expect(session.status()).toBe('unborn');
    expect(session.isRebirthDue(nowMs)).toBe(true);
  });

  it('of a device take no alias that the edge node has already', () => {
    take(nodeBirth(0, 1, [declared('a', 5)]));
    expect(lines(take(deviceBirth(1, 'x', [declared('b', 5)])))).toEqual([
      'unusable DBIRTH/x 1 sparkplug-birth',
    ]);
  });

  it('of a device need that of its edge node', () => {
    expect(lines(take(deviceBirth(1, 'a', [declared('Noise', 7)])))).toEqual([
      'unusable DBIRTH/a 1 sparkplug-unborn',
    ]);
  });
});

describe('data', () => {
  it('before a birth is put aside, and a rebirth is asked for', () => {
    expect(lines(take(nodeData(0)))).toEqual(['unusable NDATA 0 sparkplug-unborn']);
    expect(session.isRebirthDue(nowMs)).toBe(true);
  });

  it('of an unborn device is put aside, and a rebirth is asked for', () => {
    born();
    expect(lines(take(deviceData(2, 'b', [])))).toEqual(['unusable DDATA/b 2 sparkplug-unborn']);
    expect(session.isRebirthDue(nowMs)).toBe(true);
  });

  it.each<[string, Partial<SparkplugMetric>]>([
    ['an unknown alias', { alias: 99, value: float(1) }],
    ['an unknown name', { name: 'Unheard', value: float(1) }],
    ['neither name nor alias', { value: float(1) }],
  ])('with %s is taken as far as it is known, and a rebirth is asked for', (_, metric) => {
    born();
    const known = { alias: 7, timestampMs: T0, value: float(80) };
    expect(lines(take(deviceData(2, 'a', [known, metric])))).toEqual(['readings DDATA/a 2']);
    expect(session.isRebirthDue(nowMs)).toBe(true);
  });

  it('may name a metric instead of its alias', () => {
    born();
    take(deviceData(2, 'a', [{ name: 'Noise', value: float(1) }]));
    expect(session.isRebirthDue(nowMs)).toBe(false);
  });

  it('without seq, or with one above 255, is malformed', () => {
    born();
    const unnumbered = message('DDATA', { timestampMs: T0, metrics: [] }, 'a');
    expect(lines(take(unnumbered, noise(256)))).toEqual([
      'unusable DDATA/a - sparkplug-malformed',
      'unusable DDATA/a 256 sparkplug-malformed',
    ]);
    expect(lines(take(noise(2)))).toEqual(['readings DDATA/a 2']);
  });

  it('of node and devices share one counter', () => {
    born();
    take(deviceBirth(2, 'b', [declared('Dust', 20)]));
    const node = nodeData(4, [{ alias: 1, value: float(30) }]);
    const dust = deviceData(6, 'b', [{ alias: 20, value: float(1) }]);
    expect(lines(take(noise(3), node, noise(5), dust))).toHaveLength(4);
    expect(session.status()).toBe('online');
  });
});

describe('deaths', () => {
  it('of the edge node take it and all its devices offline, and their metrics stale at host time', () => {
    born();
    const [death] = take(nodeDeath(3));
    expect(death).toMatchObject({ kind: 'stale', atMs: T0 + 500 });
    const { tables } = death as Extract<EdgeEvent, { kind: 'stale' }>;
    expect([...tables.keys()]).toEqual([null, 'a']);
    expect([...(tables.get('a')?.byName.keys() ?? [])]).toEqual(['Noise', 'Raw']);
    expect([...(tables.get(null)?.byName.keys() ?? [])]).toContain('Node/Temp');
    expect(session.status()).toBe('offline');
    expect(session.devicesOnline()).toBe(0);
  });

  it('of another session than the present one are ignored', () => {
    born(0, 3);
    expect(lines(take(nodeDeath(2)))).toEqual(['ignored NDEATH -']);
    expect(lines(take(message('NDEATH', { metrics: [] })))).toEqual(['ignored NDEATH -']);
    expect(session.status()).toBe('online');
    expect(lines(take(noise(2)))).toEqual(['readings DDATA/a 2']);
  });

  it('come once: a second one finds nothing alive', () => {
    born();
    expect(lines(take(nodeDeath(3), nodeDeath(3)))).toEqual(['stale NDEATH -', 'ignored NDEATH -']);
  });

  it('before any birth are ignored', () => {
    expect(lines(take(nodeDeath(0)))).toEqual(['ignored NDEATH -']);
    expect(session.status()).toBe('unborn');
  });

  it('of a device take it offline, and its metrics stale at the time that it says', () => {
    born();
    const [death] = take(deviceDeath(2, 'a', T0 + 77));
    expect(death).toMatchObject({ kind: 'stale', atMs: T0 + 77 });
    expect([...(death as Extract<EdgeEvent, { kind: 'stale' }>).tables.keys()]).toEqual(['a']);
    expect(session.devicesOnline()).toBe(0);
    expect(session.status()).toBe('online');
    expect(lines(take(noise(3)))).toEqual(['unusable DDATA/a 3 sparkplug-unborn']);
  });

  it('are followed by a rebirth of the same session without harm', () => {
    born(0, 3);
    take(nodeDeath(3));
    expect(lines(take(nodeBirth(0, 4, [])))).toEqual(['readings NBIRTH 0']);
    expect(session.status()).toBe('online');
  });
});

describe('a message out of order', () => {
  it('starts the reorder time-out', () => {
    born();
    expect(session.deadlineMs()).toBeNull();
    expect(take(noise(3))).toEqual([]);
    expect(session.status()).toBe('reordering');
    expect(session.deadlineMs()).toBe(nowMs + 5_000);
  });

  it('waits for the missing one, which ends the time-out; then they come in their order', () => {
    born();
    take(noise(4), noise(3));
    nowMs += 4_999;
    expect(lines(session.expire(nowMs))).toEqual([]);
    expect(lines(take(noise(2)))).toEqual([
      'readings DDATA/a 2',
      'readings DDATA/a 3',
      'readings DDATA/a 4',
    ]);
    expect(session.status()).toBe('online');
    expect(session.deadlineMs()).toBeNull();
    expect(session.isRebirthDue(nowMs)).toBe(false);
    expect(lines(take(noise(5)))).toEqual(['readings DDATA/a 5']);
  });

  it('starts a new time-out for the next gap behind one that was closed', () => {
    born();
    take(noise(3), noise(5));
    nowMs += 1_000;
    expect(lines(take(noise(2)))).toEqual(['readings DDATA/a 2', 'readings DDATA/a 3']);
    expect(session.status()).toBe('reordering');
    expect(session.deadlineMs()).toBe(nowMs + 5_000);
  });

  it('asks for a rebirth when the time-out elapses and the missing one has not come', () => {
    born();
    take(noise(3));
    nowMs += 5_000;
    expect(session.isRebirthDue(nowMs)).toBe(false);
    session.expire(nowMs);
    expect(session.status()).toBe('broken');
    expect(session.isRebirthDue(nowMs)).toBe(true);
  });

  it('counts over 255 as well', () => {
    born(253);
    take(noise(1), noise(0));
    expect(lines(take(noise(255)))).toEqual([
      'readings DDATA/a 255',
      'readings DDATA/a 0',
      'readings DDATA/a 1',
    ]);
  });

  it('asks at once when as many as may be held are', () => {
    born();
    for (let seq = 3; seq < 3 + SETTINGS.heldMessagesMax; seq += 1) take(noise(seq));
    expect(session.status()).toBe('broken');
    expect(session.isRebirthDue(nowMs)).toBe(true);
  });
});

describe('messages behind a lost one', () => {
  /** One is lost; two came behind it, and one more while the rebirth is waited for. */
  function broken(): void {
    born();
    take(noise(3, 81), noise(4, 82));
    nowMs += 5_000;
    session.expire(nowMs);
    expect(take(noise(5, 83))).toEqual([]);
  }

  it('are taken when the rebirth gives their metrics the same meaning', () => {
    broken();
    expect(lines(take(nodeBirth(0, 3, [declared('Node/Temp', 1)])))).toEqual(['readings NBIRTH 0']);
    expect(
      lines(take(deviceBirth(1, 'a', [declared('Raw', 8, 'Int16'), declared('Noise', 7)]))),
    ).toEqual([
      'readings DBIRTH/a 1',
      'readings DDATA/a 3',
      'readings DDATA/a 4',
      'readings DDATA/a 5',
    ]);
    expect(session.isRebirthDue(nowMs)).toBe(false);
  });

  it.each<[string, Partial<SparkplugMetric>[]]>([
    ['another metric', [declared('Dust', 7)]],
    ['another type', [declared('Noise', 7, 'Double')]],
    ['nothing', [declared('Noise', 9)]],
  ])('are put aside when the rebirth lets their alias mean %s', (_, metrics) => {
    broken();
    take(nodeBirth(0, 3));
    expect(lines(take(deviceBirth(1, 'a', metrics)))).toEqual([
      'readings DBIRTH/a 1',
      'unusable DDATA/a 3 sparkplug-unresolved',
      'unusable DDATA/a 4 sparkplug-unresolved',
      'unusable DDATA/a 5 sparkplug-unresolved',
    ]);
  });

  it('are put aside when no birth comes', () => {
    broken();
    nowMs += SETTINGS.heldMsMax;
    expect(lines(session.expire(nowMs))).toEqual([
      'unusable DDATA/a 3 sparkplug-unresolved',
      'unusable DDATA/a 4 sparkplug-unresolved',
      'unusable DDATA/a 5 sparkplug-unresolved',
    ]);
    expect(session.deadlineMs()).toBeNull();
  });

  it('wait in bounded number: the oldest is put aside for the newest', () => {
    broken();
    const events = Array.from({ length: 8 }, (_, i) => take(noise(6 + i))).flat();
    expect(lines(events)).toEqual([
      'unusable DDATA/a 3 sparkplug-unresolved',
      'unusable DDATA/a 4 sparkplug-unresolved',
      'unusable DDATA/a 5 sparkplug-unresolved',
    ]);
  });

  it('mean by themselves what they say if they are births and deaths of devices', () => {
    born();
    take(deviceBirth(3, 'b', [declared('Dust', 20)]), deviceDeath(4, 'b', T0 + 9));
    nowMs += 5_000;
    expect(lines(session.expire(nowMs))).toEqual(['readings DBIRTH/b 3', 'stale DDEATH/b 4']);
  });

  it('do not hold up a death, and wait for the next birth behind it', () => {
    broken();
    expect(lines(take(nodeDeath(3)))).toEqual(['stale NDEATH -']);
    take(nodeBirth(0, 4, [declared('Node/Temp', 1)]));
    const [, ...released] = take(deviceBirth(1, 'a', [declared('Noise', 7)]));
    expect(lines(released)).toHaveLength(3);
  });
});

describe('requests for a rebirth', () => {
  it('come at most once in the interval, for as long as they are needed', () => {
    take(nodeData(0));
    session.rebirthRequested(nowMs);
    take(nodeData(1));
    expect(session.isRebirthDue(nowMs + 9_999)).toBe(false);
    expect(session.isRebirthDue(nowMs + 10_000)).toBe(true);
    take(nodeBirth(0, 1));
    expect(session.isRebirthDue(nowMs + 10_000)).toBe(false);
  });

  it('end with the death of the edge node: who is away can not be born again', () => {
    born();
    take(deviceData(2, 'a', [{ alias: 99 }]), nodeDeath(3));
    expect(session.isRebirthDue(nowMs)).toBe(false);
  });
});

describe('any order of messages', () => {
  const anyMessage = fc
    .tuple(
      fc.constantFrom('NBIRTH', 'NDEATH', 'NDATA', 'DBIRTH', 'DDEATH', 'DDATA'),
      fc.nat({ max: 6 }),
      fc.constantFrom('a', 'b'),
    )
    .map(([kind, n, device]): EdgeMessage => {
      if (kind === 'NBIRTH') return nodeBirth(n, n % 3, [declared('Node/Temp', 1)]);
      if (kind === 'NDEATH') return nodeDeath(n % 3);
      if (kind === 'NDATA') return nodeData(n, [{ alias: 1, value: float(n) }]);
      if (kind === 'DBIRTH')
        return deviceBirth(n, device, [declared('Noise', device === 'a' ? 7 : 8)]);
      if (kind === 'DDEATH') return deviceDeath(n, device);
      return deviceData(n, device, [{ alias: device === 'a' ? 7 : 8, value: float(n) }]);
    });

  it('leaves no message untold, tells none twice, and ends every wait', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyMessage, fc.nat({ max: 4_000 })), { maxLength: 60 }),
        (steps) => {
          const own = createEdgeSession(SETTINGS);
          let timeMs = 0;
          const told: EdgeMessage[] = [];
          for (const [next, waitMs] of steps) {
            timeMs += waitMs;
            const events = [...own.expire(timeMs), ...own.take(next, timeMs)];
            told.push(...events.map((event) => event.message));
          }
          const last = own.expire(timeMs + SETTINGS.reorderTimeoutMs);
          const rest = own.expire(timeMs + SETTINGS.reorderTimeoutMs + SETTINGS.heldMsMax);
          told.push(...[...last, ...rest].map((event) => event.message));
          expect(new Set(told).size).toBe(told.length);
          expect(told).toHaveLength(steps.length);
          expect(own.deadlineMs()).toBeNull();
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('tells readings only with tables in which their aliases were declared', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 60 }), (messages) => {
        const own = createEdgeSession(SETTINGS);
        for (const event of messages.flatMap((next, i) => own.take(next, i * 1_000))) {
          if (event.kind !== 'readings' || event.message.kind !== 'DDATA') continue;
          const [metric] = event.message.payload.metrics as [SparkplugMetric];
          expect(declaredOf(metric, event.table)?.name).toBe('Noise');
        }
      }),
      { numRuns: 500 },
    );
  });
});
