import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { buildApi } from '../../src/api/server.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import { createCommands } from '../../src/ingest/commands.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { realClock } from '../../src/process/clock.ts';
import { CommandMessage } from '../../src/telemetry/messages.ts';
import { verifyMessage } from '../../src/telemetry/signing.ts';
import { depsOf } from '../api/test-api.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { gatewayConfig, testFolder } from '../gateway/gateway-fixture.ts';
import { startPlainServer } from '../gateway/modbus-servers.ts';
import { gatewayFact } from './gateway-client.ts';
import { HUB_KEY, startTestIngest } from './ingest-fixture.ts';

const TOKEN = 'the-operator-of-the-hub-0123456789abcdef';

let database: TestDatabase;
let ingest: Ingest;
beforeAll(async () => {
  database = await createTestDatabase();
  ingest = await startTestIngest(database, { gateways: [gatewayFact('gw-test', null)] });
}, 60_000);
afterAll(async () => {
  await ingest.close();
  await database.close();
});

it('an operator asks a gateway through the hub, and has its answer', async () => {
  const server = await startPlainServer(() => 700);
  onTestFinished(() => server.close());
  const hub = { port: ingest.port, key: HUB_KEY };
  const clock = { source: 'ntp', errMs: 10 } as const;
  const config = gatewayConfig(testFolder(), hub, server.port, { clock });
  const parts = { clock: realClock, log: silentLog, readConfig: () => config };
  const gateway = await startGateway(config, parts);
  onTestFinished(() => gateway.close());
  await vi.waitFor(() => {
    expect(gateway.status().mqtt.lastAckAtMs).not.toBeNull();
    expect(gateway.status().seq).toBeGreaterThan(0);
  }, 20_000);
  const app = buildApi(depsOf(database, { command: ingest.command, operatorToken: TOKEN }));
  onTestFinished(() => app.close());
  const post = async (payload: object, id = 'gw-test', token = TOKEN) => {
    const url = `/api/v1/gateways/${id}/commands`;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await app.inject({ method: 'POST', url, payload, headers });
    return { status: answer.statusCode, body: answer.json() };
  };

  const tested = await post({ command: 'self-test' });
  expect(tested).toMatchObject({ status: 200, body: { result: { ok: true, faults: [] } } });
  expect(await post({ command: 'reload' })).toMatchObject({
    body: { result: { ok: true, value: { kept: ['bus-1'] } } },
  });
  const { epoch, seq } = gateway.status();
  const resent = await post({ command: 'resend', epoch, from: 1, to: seq });
  expect(resent.body.result).toMatchObject({ asked: seq });
  expect(gateway.status().mqtt.refusedMessages).toBe(0);

  expect(await post({ command: 'self-test' }, 'gw-nobody')).toMatchObject({
    status: 404,
    body: { error: { code: 'GATEWAY_NOT_FOUND' } },
  });
  expect((await post({ command: 'self-test' }, 'gw-test', 'x')).status).toBe(401);
  expect((await post({ command: 'format-disk' })).status).toBe(400);
});

it('a command is signed, later than the one before, and answered by its own result only', async () => {
  const sent: CommandMessage[] = [];
  const commands = createCommands({
    key: HUB_KEY,
    now: () => 5_000,
    isKnown: () => true,
    publish: async (_, payload) => {
      const message = JSON.parse(payload.toString());
      expect(verifyMessage(message, HUB_KEY.publicKey)).toBe(true);
      sent.push(CommandMessage.parse(message));
      return true;
    },
  });
  const status = (at: number, result: unknown): Buffer =>
    Buffer.from(JSON.stringify({ online: true, lastCommand: { command: 'time', at, result } }));
  const first = commands.send('gw-1', { command: 'time' });
  const second = commands.send('gw-1', { command: 'time' });
  await vi.waitFor(() => expect(sent.map(({ at }) => at)).toEqual([5_000, 5_001]));
  commands.onStatus('gw-2', status(5_000, 'of another'));
  commands.onStatus('gw-1', Buffer.from('{"online":true,"lastCommand":null}'));
  commands.onStatus('gw-1', status(5_000, null));
  commands.onStatus('gw-1', status(5_001, 'second'));
  commands.onStatus('gw-1', status(5_000, 'first'));
  expect(await first).toEqual({ ok: true, value: { at: 5_000, result: 'first' } });
  expect(await second).toEqual({ ok: true, value: { at: 5_001, result: 'second' } });
});

it('a gateway that is away gives no answer, and a broker that is away takes no command', async () => {
  const to = (isThere: boolean) =>
    createCommands({
      key: HUB_KEY,
      now: Date.now,
      isKnown: () => true,
      publish: async () => isThere,
      answerMsMax: 20,
    }).send('gw-1', { command: 'reload' });
  expect(await to(true)).toMatchObject({ ok: true, value: { result: null } });
  expect(await to(false)).toMatchObject({ ok: false, reason: 'broker-away' });
});
