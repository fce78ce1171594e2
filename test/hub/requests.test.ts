import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerRequests } from '../../src/hub/answer-requests.ts';
import { askIngest } from '../../src/hub/ask-ingest.ts';
import type { HubAnswer, HubRequest } from '../../src/hub/hub-request.ts';
import { remoteIngest } from '../../src/hub/remote-ingest.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';

let database: TestDatabase;
let asked: HubRequest[];
const answering: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  asked = [];
});

afterEach(async () => {
  for (const one of answering.splice(0)) await one.close();
  await database.close();
});

/** As in the process with the role ingest. */
function answerWith(give: (request: HubRequest) => HubAnswer, shard = 'main'): void {
  const { pool, url: databaseUrl } = database;
  answering.push(
    answerRequests({
      ...{ pool, databaseUrl, shard, log: silentLog },
      async carryOut(request) {
        asked.push(request);
        return give(request);
      },
    }),
  );
}

describe('what a process without the role ingest asks of it', () => {
  it('is done and answered', async () => {
    answerWith(() => ({ ok: true, value: { at: 5, result: { ok: true } } }));
    const { command } = remoteIngest(database.pool, 'main');
    const answer = await command('gw-1', { command: 'time' });
    expect(answer).toEqual({ ok: true, value: { at: 5, result: { ok: true } } });
    expect(asked).toEqual([{ kind: 'command', gateway: 'gw-1', order: { command: 'time' } }]);
  });

  it('is refused with the reason', async () => {
    answerWith(() => ({ ok: false, reason: 'not-found', detail: 'no dead letter 7' }));
    const { replayLetter } = remoteIngest(database.pool, 'main');
    expect(await replayLetter(7)).toEqual({
      ...{ ok: false, reason: 'not-found', detail: 'no dead letter 7' },
    });
  });

  it('fails with what it failed on', async () => {
    answerWith(() => {
      throw new Error('a bug');
    });
    const request = { kind: 'replay-letter', id: 1 } as const;
    const answer = await askIngest(database.pool, 'main', request);
    expect(answer).toMatchObject({ ok: false, reason: 'failed', detail: 'a bug' });
  });

  it('is done once, by the process of its shard', async () => {
    answerWith(() => ({ ok: true, value: 'stored' }), 'other');
    answerWith(() => ({ ok: true, value: 'stored' }));
    answerWith(() => ({ ok: true, value: 'stored' }));
    const { replayLetter } = remoteIngest(database.pool, 'main');
    const ids = Array.from({ length: 20 }, (_, id) => id);
    const answers = await Promise.all(ids.map((id) => replayLetter(id)));
    expect(answers.every((answer) => answer.ok)).toBe(true);
    const done = asked.map((request) => (request.kind === 'replay-letter' ? request.id : -1));
    expect(done.sort((a, b) => a - b)).toEqual(ids);
  });

  it('says so when nobody has the role', async () => {
    const request = { kind: 'replay-letter', id: 1 } as const;
    const answer = await askIngest(database.pool, 'main', request, 300);
    expect(answer).toMatchObject({ ok: false, reason: 'no-ingest' });
  });
});
