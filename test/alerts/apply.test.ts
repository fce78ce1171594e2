import { zstdDecompressSync } from 'node:zlib';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AlertHooks, type Alerts, createAlerts } from '../../src/alerts/apply.ts';
import { type ClueBody, CluePush } from '../../src/alerts/clue-body.ts';
import type { Database } from '../../src/database/schema.ts';
import { canonicalJson, sha256Hex } from '../../src/model/digest.ts';
import type { EngineOutput } from '../../src/model/exposure.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/model/time.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import {
  FIRST_POS,
  outputs,
  overLimit,
  projectRegistry,
  SHARD,
  SHIFT_END_MS,
  SHIFT_START_MS,
  settings,
  shiftResult,
  withdrawn,
} from './exceedances.ts';

let database: TestDatabase;
let alerts: Alerts;
let pos: number;
let alarms: string[];
let postponed: [clueNo: string, fault: string][];

beforeEach(async () => {
  database = await createTestDatabase();
  await projectRegistry(database.db);
  alarms = [];
  postponed = [];
  pos = FIRST_POS - 1;
  alerts = newAlerts();
});
afterEach(() => database.close());

const HOOKS: AlertHooks = {
  onAlarm: (reason) => alarms.push(reason),
  onPostponed: (clueNo, fault) => postponed.push([clueNo, fault]),
};

const newAlerts = (): Alerts => createAlerts(settings(), HOOKS);

/** One journal entry, in a transaction of its own, as the evaluator applies it. */
async function entryAt(
  at: number,
  receivedAtMs: number,
  given: readonly EngineOutput[],
): Promise<void> {
  await database.db
    .transaction()
    .execute((tx) =>
      alerts.apply(tx, { shard: SHARD, pos: at, receivedAtMs, kind: 'tick' }, given),
    );
}

/** The next entry of the journal. */
async function entry(receivedAtMs: number, given: readonly EngineOutput[] = []): Promise<void> {
  pos += 1;
  await entryAt(pos, receivedAtMs, given);
}

const clues = () =>
  database.db.selectFrom('enforcement.clue').selectAll().orderBy('opened_pos').execute();
const outbox = () =>
  database.db.selectFrom('enforcement.outbox').selectAll().orderBy('revision').execute();
const bodies = async (): Promise<ClueBody[]> =>
  (await outbox()).map(({ body }) => CluePush.parse(body));
const eventTypes = async (): Promise<string[]> => {
  const rows = await database.db
    .selectFrom('enforcement.clue_event')
    .select('type')
    .orderBy('seq')
    .execute();
  return rows.map(({ type }) => type);
};

/** When a TWA exceedance of the first shift is due, if it was learnt in time. */
const DUE_MS = SHIFT_END_MS + HOUR_MS;

describe('apply()', () => {
  it('opens one clue for an exceedance and holds it until it is due', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    expect(await clues()).toMatchObject([
      {
        clue_no: expect.stringMatching(/^CL33010620261120/),
        state: 'READY',
        revision: 1,
        due_at_ms: DUE_MS,
        opened_pos: FIRST_POS,
        platform_no: null,
      },
    ]);
    expect(await outbox()).toEqual([]);
    await entry(DUE_MS - 1);
    expect(await outbox()).toEqual([]);
    await entry(DUE_MS);
    expect(await outbox()).toMatchObject([{ revision: 1, state: 'pending', created_pos: pos }]);
    expect(await clues()).toMatchObject([{ state: 'PUSHING', revision: 1 }]);
    expect(await eventTypes()).toEqual(['OPENED', 'FIT', 'RELEASED']);
  });

  it('releases at once what is due when it is learnt', async () => {
    alerts = createAlerts(
      settings({ waits: { markingWindowMs: 0, markingMinimumMs: 0, shortTermWaitMs: 0 } }),
      HOOKS,
    );
    await entry(SHIFT_END_MS, outputs(overLimit()));
    expect(await outbox()).toHaveLength(1);
  });

  it('says everything of design §4.2 in the body, and nothing that it does not know', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    await entry(DUE_MS);
    const [body] = await bodies();
    expect(body).toMatchObject({
      label: '线索，不作为处罚证据',
      status: 'STANDING',
      enterprise: { name: '杭州示例焊接有限公司', region: '330106' },
      post: { id: 'welding', name: '焊接岗' },
      point: { location: '一车间东侧' },
      exposureBasis: 'SCHEDULE',
      deductsProtectiveEquipment: false,
      limit: { kind: 'PC_TWA', value: 20, unit: 'mg/m3', standard: 'GBZ 2.1-2019' },
      observed: { lowerBound: 30, value: 31, ratio: 1.5, uncertainty: 1, verdict: 'exceeded' },
      exposedWorkers: 12,
      corroboration: { telemetry: 'NONE', patrol: 'NONE', lab: 'NONE' },
      contraryEvidence: [],
      evidenceLevel: 'LEAD',
    });
    expect(body?.candidateProvisions.map(({ article }) => article)).toEqual([
      '第十五条第（一）项',
      '第七十二条第（一）项',
    ]);
  });

  it('keeps an evidence package under its own digest with result and inputs', async () => {
    const signal = overLimit();
    await entry(SHIFT_END_MS, outputs(signal));
    await entry(DUE_MS);
    const row = await database.db
      .selectFrom('enforcement.evidence_package')
      .selectAll()
      .executeTakeFirstOrThrow();
    const json = zstdDecompressSync(row.body);
    expect(sha256Hex(json)).toBe(row.package_id);
    expect(row.bytes).toBe(json.length);
    expect(JSON.parse(json.toString())).toEqual({
      schemaVersion: 1,
      clueNo: row.clue_no,
      revision: 1,
      result: JSON.parse(canonicalJson(signal.result)),
      inputs: signal.inputs,
    });
    const [body] = await bodies();
    expect(body?.evidence).toMatchObject({ packageId: row.package_id, sm3: row.sm3 });
  });

  it('does nothing when the same entry is applied again', async () => {
    const signals = outputs(overLimit());
    await entry(SHIFT_END_MS, signals);
    await entry(DUE_MS, outputs(overLimit({ day: -1 })));
    const before = [await clues(), await outbox(), await eventTypes()];
    alerts = newAlerts();
    await entryAt(FIRST_POS, SHIFT_END_MS, signals);
    await entryAt(FIRST_POS + 1, DUE_MS, outputs(overLimit({ day: -1 })));
    expect([await clues(), await outbox(), await eventTypes()]).toEqual(before);
    expect(alarms).toEqual([]);
  });

  it('makes the same clues and revisions when the journal is replayed into an empty database', async () => {
    const journal: [number, EngineOutput[]][] = [
      [SHIFT_END_MS, outputs(overLimit(), overLimit({ limitKind: 'PC_STEL' }))],
      [DUE_MS, []],
      [DUE_MS + MINUTE_MS, outputs(overLimit({ day: 1 }), withdrawn())],
      [DUE_MS + 2 * DAY_MS, outputs(overLimit({ lowerBound: 40, day: 1 }))],
      [DUE_MS + 3 * DAY_MS, []],
    ];
    for (const [receivedAtMs, given] of journal) await entry(receivedAtMs, given);
    const told = await bodies();
    expect(told.length).toBeGreaterThan(3);
    await database.close();
    database = await createTestDatabase();
    await projectRegistry(database.db);
    pos = FIRST_POS - 1;
    alerts = newAlerts();
    for (const [receivedAtMs, given] of journal) await entry(receivedAtMs, given);
    expect(await bodies()).toEqual(told);
  });

  it('releases on the entry applied again after a transaction that rolled back', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    const failing = database.db.transaction().execute(async (tx) => {
      await alerts.apply(
        tx,
        { shard: SHARD, pos: FIRST_POS + 1, receivedAtMs: DUE_MS, kind: 'tick' },
        [],
      );
      throw new Error('lease lost');
    });
    await expect(failing).rejects.toThrow('lease lost');
    expect(await outbox()).toEqual([]);
    await entry(DUE_MS);
    expect(await outbox()).toMatchObject([{ created_pos: FIRST_POS + 1 }]);
  });

  it('holds nothing up when a clue can not be released, and tries it again an hour later', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit(), overLimit({ limitKind: 'LEX_8H' })));
    const [broken] = await clues();
    const { clue_no: clueNo, body } = broken as { clue_no: string; body: unknown };
    const put = (content: unknown) =>
      database.pool.query('update enforcement.clue set body = $2 where clue_no = $1', [
        clueNo,
        JSON.stringify(content),
      ]);
    await put({ ...(body as object), ledger: {} });
    await entry(DUE_MS);
    expect(postponed).toMatchObject([[clueNo, expect.stringMatching(/^fault .*undefined/)]]);
    expect(await outbox()).toMatchObject([{ revision: 1, state: 'pending' }]);
    await put(body);
    await entry(DUE_MS + HOUR_MS - 1);
    expect(await outbox()).toHaveLength(1);
    await entry(DUE_MS + HOUR_MS);
    expect(await outbox()).toHaveLength(2);
    expect(postponed).toHaveLength(1);
  });

  it('asks the database nothing for entries without exceedances while nothing is due', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    const queries: string[] = [];
    const watched = new Kysely<Database>({
      dialect: new PostgresDialect({ pool: database.pool }),
      log: ({ query }) => void queries.push(query.sql),
    });
    await watched.transaction().execute(async (tx) => {
      for (let n = 0; n < 3; n += 1) {
        pos += 1;
        const at = { shard: SHARD, pos, receivedAtMs: DUE_MS - 1, kind: 'batch' } as const;
        await alerts.apply(tx, at, [{ kind: 'result', result: shiftResult() }]);
      }
    });
    expect(queries.filter((query) => query.includes('enforcement'))).toEqual([]);
    await entry(DUE_MS);
    expect(await outbox()).toHaveLength(1);
  });
});

describe('revisions', () => {
  beforeEach(async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    await entry(DUE_MS);
  });

  it('are not made for a bound that moved by less than 1 % of the limit', async () => {
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({ lowerBound: 30.19 })));
    await entry(DUE_MS + DAY_MS);
    expect(await outbox()).toHaveLength(1);
    expect(await clues()).toMatchObject([{ revision: 1, state: 'PUSHING' }]);
  });

  it('are made for a bound that moved by 1 % of the limit, in either direction', async () => {
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({ lowerBound: 30.2 })));
    expect(await clues()).toMatchObject([{ revision: 2, state: 'READY' }]);
    await entry(DUE_MS + DAY_MS);
    await entry(DUE_MS + DAY_MS + 1, outputs(overLimit({ lowerBound: 30 })));
    await entry(DUE_MS + 2 * DAY_MS);
    expect((await bodies()).map(({ observed }) => observed.lowerBound)).toEqual([30, 30.2, 30]);
  });

  it('add up small moves until they reach 1 %', async () => {
    for (const lowerBound of [30.1, 30.19, 30.21]) {
      await entry(DUE_MS + HOUR_MS, outputs(overLimit({ lowerBound })));
    }
    await entry(DUE_MS + DAY_MS);
    expect((await bodies()).map(({ observed }) => observed.lowerBound)).toEqual([30, 30.21]);
  });

  it('supersede a revision that has not been sent', async () => {
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({ lowerBound: 40 })));
    await entry(DUE_MS + DAY_MS);
    expect(await outbox()).toMatchObject([
      { revision: 1, state: 'superseded' },
      { revision: 2, state: 'pending' },
    ]);
  });

  it('leave one that was sent as it is', async () => {
    await database.db.updateTable('enforcement.outbox').set({ state: 'sent' }).execute();
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({ lowerBound: 40 })));
    await entry(DUE_MS + DAY_MS);
    expect(await outbox()).toMatchObject([{ state: 'sent' }, { state: 'pending' }]);
  });

  it('tell contrary evidence at once when the exceedance does not stand any more', async () => {
    await entry(DUE_MS + HOUR_MS, outputs(withdrawn()));
    const [, contrary] = await bodies();
    expect(contrary).toMatchObject({
      status: 'NOT_STANDING',
      revision: 2,
      observed: { verdict: 'within', lowerBound: 5 },
      contraryEvidence: [{ kind: 'RESULT_REVISED', reasons: ['verdict-within'] }],
    });
    expect(await eventTypes()).toEqual(['OPENED', 'FIT', 'RELEASED', 'CONTRADICTED', 'RELEASED']);
    await entry(DUE_MS + 2 * HOUR_MS, outputs(withdrawn({ lowerBound: 4 })));
    expect(await outbox()).toHaveLength(2);
  });

  it('leave the clue saying what was released, and beside it what waits', async () => {
    const shown = async () => (await clues())[0]?.body as ClueBody & { pending: ClueBody | null };
    const [first] = await bodies();
    expect(await shown()).toMatchObject({ ...first, pending: null });
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({ lowerBound: 40 })));
    expect(await shown()).toMatchObject({
      ...first,
      pending: { revision: 2, observed: { lowerBound: 40 } },
    });
    await entry(DUE_MS + DAY_MS, outputs(overLimit({ day: 1, lowerBound: 25 })));
    await entry(DUE_MS + 2 * DAY_MS);
    const last = (await bodies()).at(-1);
    // The revision tells the new shift first, though the older one was worse.
    expect(last).toMatchObject({ revision: 3, observed: { lowerBound: 25 } });
    expect(await shown()).toMatchObject({ ...last, pending: null });
  });

  it('tell a released shift as it was told until its own change is due', async () => {
    const next = { day: 1, lowerBound: 25 };
    const nextDueMs = DUE_MS + DAY_MS;
    await entry(nextDueMs - HOUR_MS, outputs(overLimit(next)));
    await entry(nextDueMs - 1, outputs(overLimit({ lowerBound: 40 })));
    await entry(nextDueMs);
    const boundsOf = ({ shifts }: ClueBody): number[] => shifts.map((shift) => shift.lowerBound);
    expect((await bodies()).map(boundsOf)).toEqual([[30], [30, 25]]);
    expect(await clues()).toMatchObject([
      { state: 'READY', revision: 3, due_at_ms: nextDueMs - 1 + 10 * MINUTE_MS },
    ]);
    await entry(nextDueMs + HOUR_MS);
    expect((await bodies()).map(boundsOf)).toEqual([[30], [30, 25], [40, 25]]);
    expect((await bodies())[2]).toMatchObject({ observed: { lowerBound: 40 } });
  });

  it('tell the contrary of a released shift at once, though a change of it still waits', async () => {
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({ lowerBound: 40 })));
    await entry(DUE_MS + HOUR_MS + 1, outputs(withdrawn()));
    expect((await bodies())[1]).toMatchObject({ status: 'NOT_STANDING', shifts: [{}] });
    await entry(DUE_MS + DAY_MS);
    expect(await outbox()).toHaveLength(2);
  });

  it('leave it so when what waited falls away', async () => {
    const [first] = await bodies();
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({ day: 1, lowerBound: 40 })));
    await entry(DUE_MS + HOUR_MS + 1, outputs(withdrawn({ day: 1 })));
    expect((await clues())[0]?.body).toMatchObject({ ...first, pending: null });
  });

  it('tell contrary evidence when the chain of a sent shift is found broken later', async () => {
    await database.db.updateTable('enforcement.outbox').set({ state: 'sent' }).execute();
    // The same result: only what stands against it is new.
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({}, ['chain-broken'])));
    expect(await outbox()).toMatchObject([
      { revision: 1, state: 'sent' },
      { revision: 2, state: 'pending' },
    ]);
    expect((await bodies())[1]).toMatchObject({
      status: 'NOT_STANDING',
      observed: { verdict: 'exceeded', lowerBound: 30 },
      contraryEvidence: [{ kind: 'DATA_NOT_PROOF', reasons: ['chain-broken'] }],
    });
    await entry(DUE_MS + 2 * HOUR_MS, outputs(overLimit({}, ['chain-broken'])));
    expect(await outbox()).toHaveLength(2);
  });

  it('take back a waiting change when the chain is found broken before it is sent', async () => {
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({ lowerBound: 40 })));
    await entry(DUE_MS + HOUR_MS + 1, outputs(overLimit({ lowerBound: 40 }, ['chain-broken'])));
    await entry(DUE_MS + DAY_MS);
    expect(await bodies()).toMatchObject([
      { status: 'STANDING', observed: { lowerBound: 30 } },
      { status: 'NOT_STANDING', contraryEvidence: [{ reasons: ['chain-broken'] }] },
    ]);
  });

  it('tell contrary evidence when the data turn out to be no proof', async () => {
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({}, ['certificate-expired'])));
    expect((await bodies())[1]).toMatchObject({
      status: 'NOT_STANDING',
      contraryEvidence: [{ kind: 'DATA_NOT_PROOF', reasons: ['certificate-expired'] }],
    });
  });

  it('tell it anew when the exceedance stands again', async () => {
    await entry(DUE_MS + HOUR_MS, outputs(withdrawn()));
    await entry(DUE_MS + 2 * HOUR_MS, outputs(overLimit()));
    await entry(DUE_MS + DAY_MS);
    expect((await bodies()).map(({ status }) => status)).toEqual([
      'STANDING',
      'NOT_STANDING',
      'STANDING',
    ]);
  });

  it('alarm, and change nothing, when their key is taken by another body', async () => {
    await database.db
      .insertInto('enforcement.outbox')
      .columns(['idempotency_key', 'clue_no', 'revision', 'body', 'state', 'created_pos'])
      .expression((eb) =>
        eb
          .selectFrom('enforcement.clue')
          .select([
            sql<string>`clue_no || '-2'`.as('k'),
            'clue_no',
            sql<number>`2`.as('r'),
            sql<unknown>`'{}'::jsonb`.as('b'),
            sql<'sent'>`'sent'`.as('s'),
            sql<number>`0`.as('p'),
          ]),
      )
      .execute();
    await entry(DUE_MS + HOUR_MS, outputs(overLimit({ lowerBound: 40 })));
    await entry(DUE_MS + DAY_MS);
    expect(alarms).toEqual(['outbox key taken with another body']);
    expect(await eventTypes()).toContain('KEY_CONFLICT');
    expect((await outbox())[1]).toMatchObject({ body: {}, state: 'sent' });
  });
});

describe('one open clue', () => {
  it('takes later shifts in as revisions and keeps its number', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    await entry(DUE_MS);
    await entry(SHIFT_END_MS + DAY_MS, outputs(overLimit({ day: 1, lowerBound: 25 })));
    await entry(DUE_MS + DAY_MS);
    expect(await clues()).toMatchObject([{ shift_start_ms: SHIFT_START_MS, revision: 2 }]);
    const [, second] = await bodies();
    expect(second?.shifts.map(({ start, lowerBound }) => [start, lowerBound])).toEqual([
      [SHIFT_START_MS, 30],
      [SHIFT_START_MS + DAY_MS, 25],
    ]);
    expect(second?.observed.lowerBound).toBe(25);
    expect(second?.firstExceedAt).toBe(SHIFT_START_MS + 2 * HOUR_MS);
    expect(second?.lastExceedAt).toBe(SHIFT_END_MS + DAY_MS);
  });

  it('neither holds a due shift back for a later one nor sends the later one with it', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    await entry(DUE_MS - 1, outputs(overLimit({ day: 1 })));
    await entry(DUE_MS);
    expect((await bodies()).map(({ shifts }) => shifts.length)).toEqual([1]);
    expect(await clues()).toMatchObject([
      { state: 'READY', revision: 2, due_at_ms: DUE_MS + DAY_MS },
    ]);
    await entry(DUE_MS + DAY_MS);
    expect((await bodies()).map(({ shifts }) => shifts.length)).toEqual([1, 2]);
  });

  it('is shared by the crews of a post, also within one entry', async () => {
    const night = { crew: 'welding-night', lowerBound: 35 };
    await entry(SHIFT_END_MS, outputs(overLimit(), overLimit(night)));
    await entry(DUE_MS);
    expect(await clues()).toHaveLength(1);
    expect((await bodies())[0]).toMatchObject({
      crew: 'welding-night',
      shifts: [{}, {}],
      observed: { lowerBound: 35 },
    });
  });

  it('is one per limit kind', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit(), overLimit({ limitKind: 'PC_STEL' })));
    expect((await clues()).map(({ limit_kind }) => limit_kind).sort()).toEqual([
      'PC_STEL',
      'PC_TWA',
    ]);
  });

  it('joins episodes less than 30 minutes apart, and follows them when they grow', async () => {
    const at = (minutes: number): number => SHIFT_START_MS + minutes * MINUTE_MS;
    const episode = (from: number, to: number) => ({
      startMs: at(from),
      endMs: at(to),
      lowerBoundMax: 31,
    });
    const stel = { limitKind: 'PC_STEL', windowEndMs: at(135) } as const;
    await entry(
      at(140),
      outputs(overLimit({ ...stel, episodes: [episode(60, 75), episode(104, 119)] })),
    );
    await entry(
      at(150),
      outputs(
        overLimit({
          ...stel,
          lowerBound: 60,
          episodes: [episode(60, 75), episode(104, 135), episode(166, 181)],
        }),
      ),
    );
    const rows = await database.db
      .selectFrom('enforcement.episode')
      .select(['start_ms', 'end_ms'])
      .orderBy('start_ms')
      .execute();
    expect(rows).toEqual([
      { start_ms: at(60), end_ms: at(135) },
      { start_ms: at(166), end_ms: at(181) },
    ]);
  });

  it('keeps the latest 30 shifts in its body, however long it stays open', async () => {
    for (let day = 0; day < 33; day += 1) {
      await entry(SHIFT_END_MS + day * DAY_MS, outputs(overLimit({ day })));
      await entry(DUE_MS + day * DAY_MS);
    }
    const last = (await bodies()).at(-1);
    expect(last?.revision).toBe(33);
    expect(last?.shifts).toHaveLength(30);
    await entry(DUE_MS + 40 * DAY_MS, outputs(withdrawn({ day: 0 })));
    expect((await bodies()).at(-1)?.contraryEvidence).toHaveLength(1);
    await entry(DUE_MS + 41 * DAY_MS, outputs(overLimit({ day: 1 }, ['chain-broken'])));
    expect((await bodies()).at(-1)?.contraryEvidence).toContainEqual(
      expect.objectContaining({ reasons: ['chain-broken'] }),
    );
  });
});

describe('the technical gate', () => {
  it('parks what must not be pushed, with the reasons', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit({ confirmed: false }, ['chain-broken'])));
    await entry(DUE_MS + DAY_MS);
    expect(await clues()).toMatchObject([{ state: 'PARKED', revision: 0 }]);
    expect(await outbox()).toEqual([]);
    const event = await database.db
      .selectFrom('enforcement.clue_event')
      .select('reason')
      .where('type', '=', 'PARKED')
      .executeTakeFirst();
    expect(event?.reason).toBe('chain-broken, limit-not-confirmed');
  });

  it('lets a parked clue go when what stood against it is gone', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit({}, ['no-certificate'])));
    await entry(DUE_MS, outputs(overLimit()));
    await entry(DUE_MS + HOUR_MS);
    expect(await outbox()).toMatchObject([{ revision: 1 }]);
    expect(await eventTypes()).toEqual(['OPENED', 'PARKED', 'FIT', 'RELEASED']);
  });

  it('parks a waiting clue when its chain is found broken, the result being the same', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    await entry(DUE_MS - 1, outputs(overLimit({}, ['chain-broken'])));
    await entry(DUE_MS + DAY_MS);
    expect(await clues()).toMatchObject([{ state: 'PARKED', revision: 0 }]);
    expect(await outbox()).toEqual([]);
    expect(await eventTypes()).toEqual(['OPENED', 'FIT', 'PARKED']);
  });

  it('parks only the shift whose chain is broken', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit(), overLimit({ day: 1 })));
    await entry(DUE_MS - 1, outputs(overLimit({}, ['chain-broken'])));
    await entry(DUE_MS + DAY_MS);
    expect((await bodies()).map(({ shifts }) => shifts.map(({ start }) => start))).toEqual([
      [SHIFT_START_MS + DAY_MS],
    ]);
  });

  it('parks a waiting clue again when something is found against it before it is due', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    await entry(SHIFT_END_MS + 1, outputs(overLimit({}, ['mark-maintenance'])));
    await entry(DUE_MS + DAY_MS);
    expect(await clues()).toMatchObject([{ state: 'PARKED', revision: 0 }]);
    expect(await outbox()).toEqual([]);
  });

  it('parks a clue of a place that is not registered', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit({ post: 'unheard-of' })));
    expect(await clues()).toMatchObject([{ state: 'PARKED' }]);
  });
});

describe('withdrawal', () => {
  it('of an exceedance never released ends the clue without a push', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    await entry(SHIFT_END_MS + 1, outputs(withdrawn()));
    await entry(DUE_MS + DAY_MS);
    expect(await clues()).toMatchObject([{ state: 'WITHDRAWN', revision: 0 }]);
    expect(await outbox()).toEqual([]);
  });

  it('is undone under the same number when the exceedance comes back', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    await entry(SHIFT_END_MS + 1, outputs(withdrawn()));
    await entry(SHIFT_END_MS + 2, outputs(overLimit({ lowerBound: 33 })));
    await entry(DUE_MS);
    expect(await clues()).toHaveLength(1);
    expect(await bodies()).toMatchObject([{ revision: 1, observed: { lowerBound: 33 } }]);
    expect(await eventTypes()).toEqual([
      'OPENED',
      'FIT',
      'WITHDRAWN',
      'REOPENED',
      'FIT',
      'RELEASED',
    ]);
  });

  it('of one of two waiting shifts leaves the other', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit(), overLimit({ day: 1 })));
    await entry(SHIFT_END_MS + 1, outputs(withdrawn()));
    await entry(DUE_MS);
    expect(await outbox()).toEqual([]);
    await entry(DUE_MS + DAY_MS);
    expect((await bodies()).map(({ shifts }) => shifts.map(({ start }) => start))).toEqual([
      [SHIFT_START_MS + DAY_MS],
    ]);
  });

  it('of a shift that waits beside a sent one leaves the clue as it was sent', async () => {
    await entry(SHIFT_END_MS, outputs(overLimit()));
    await entry(DUE_MS);
    await database.db.updateTable('enforcement.outbox').set({ state: 'sent' }).execute();
    await entry(SHIFT_END_MS + DAY_MS, outputs(overLimit({ day: 1 })));
    await entry(SHIFT_END_MS + DAY_MS + 1, outputs(withdrawn({ day: 1 })));
    await entry(DUE_MS + 2 * DAY_MS);
    expect(await clues()).toMatchObject([{ state: 'ACKED', revision: 1 }]);
    expect(await outbox()).toHaveLength(1);
  });

  it('of what was never in a clue does nothing', async () => {
    await entry(SHIFT_END_MS, outputs(withdrawn()));
    expect(await clues()).toEqual([]);
  });
});
