import pino from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startGateway } from '../../src/gateway/gateway.ts';
import { type GatewayStatus, selfTestOf } from '../../src/gateway/status.ts';
import { startFakeHub } from './fake-hub.ts';
import { gatewayConfig, hourAgo, testFolder } from './gateway-fixture.ts';
import { startPlainServer } from './modbus-servers.ts';

const until = (what: () => boolean, timeout = 15_000): Promise<void> =>
  vi.waitFor(() => expect(what()).toBe(true), { timeout, interval: 10 });

describe('a gateway whose hub is away', () => {
  it('warns at 50 and 80 % of its spool, in the log and in the status, and says the hours left', async () => {
    const hub = await startFakeHub();
    onTestFinished(() => hub.close());
    hub.acks = false;
    const server = await startPlainServer(() => 7);
    onTestFinished(() => server.close());
    const config = gatewayConfig(testFolder(), hub, server.port, {
      spoolBytesMax: 200_000,
      seal: { everyMs: 1_000 },
    });
    const warnings: string[] = [];
    const write = (line: string): void => void warnings.push(JSON.parse(line).msg);
    const log = pino({ level: 'warn' }, { write });
    const gateway = await startGateway(config, { clock: hourAgo(100), log });
    onTestFinished(() => gateway.close());
    await until(() => gateway.status().spool.fill.warning === 50);
    await until(() => gateway.status().spool.fill.warning === 80);
    expect(warnings.filter((text) => text.includes('full'))).toEqual([
      'the spool is more than 50 % full',
      'the spool is more than 80 % full',
    ]);
    const { hoursLeft } = gateway.status().spool.fill;
    expect(hoursLeft).toBeGreaterThan(0);
    expect(hoursLeft).toBeLessThan(0.1);
    await hub.goDown();
    await until(() => !gateway.status().mqtt.isUp);
    await hub.comeBack();
    const statuses = () =>
      hub.received
        .filter(({ channel }) => channel === 'status')
        .map(({ payload }) => JSON.parse(payload.toString()))
        .filter(({ online }) => online);
    await until(() => statuses().length === 2);
    const { spool, devices, busesDown, foreignMasters } = statuses()[1];
    expect(devices).toMatchObject({ demoted: 0, flapping: 0 });
    expect({ busesDown, foreignMasters }).toEqual({ busesDown: [], foreignMasters: [] });
    expect(spool).toMatchObject({ warning: 80 });
    expect(spool.hoursLeft).toBeLessThan(0.1);
  });
});

describe('selfTestOf()', () => {
  const sound = {
    clock: { source: 'ntp', offsetMs: 0, errMs: 5 },
    framesLost: 0,
    spool: { batchesGivenUp: 0, fill: { share: 0.1, hoursLeft: 5, warning: null } },
    mqtt: { isUp: true, lastAckAtMs: 1 },
    buses: [{ bus: 'b', isUp: true }],
    devices: [{ device: 'd', state: 'HEALTHY' }],
  } as unknown as GatewayStatus;

  it('is ok when nothing is wrong', () => {
    expect(selfTestOf(sound)).toEqual({ ok: true, faults: [] });
  });

  const wrong: [change: object, fault: string][] = [
    [{ buses: [{ bus: 'b', isUp: false }] }, 'bus b is down'],
    [{ devices: [{ device: 'd', state: 'DEMOTED' }] }, 'device d is DEMOTED'],
    [{ framesLost: 3 }, '3 frames lost: the disk took none'],
    [{ mqtt: { lastAckAtMs: null } }, 'no ack from the hub yet'],
    [{ clock: { errMs: 2_500 } }, 'clock may be 2500 ms off'],
    [{ spool: { batchesGivenUp: 0, fill: { warning: 80 } } }, 'spool is over 80 % full'],
    [{ spool: { batchesGivenUp: 9, fill: { warning: null } } }, '9 batches given up'],
  ];
  for (const [change, fault] of wrong) {
    it(`names: ${fault}`, () => {
      expect(selfTestOf({ ...sound, ...change } as GatewayStatus)).toEqual({
        ok: false,
        faults: [fault],
      });
    });
  }
});
