import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diffRegistry } from '../../src/devices/diff.ts';
import { projectFact, readRegistryState } from '../../src/devices/projection.ts';
import { applyFact, emptyRegistry } from '../../src/devices/registry-state.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { registryFacts, sampleFile } from './registry-samples.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

describe('projectFact()', () => {
  it('keeps the facts so that the state read back is the state they lead to', async () => {
    const facts = registryFacts();
    facts.push(
      ...diffRegistry(
        facts.reduce(applyFact, emptyRegistry()),
        sampleFile((r) => r.crews.pop()),
        1_800_000_000_000,
      ),
    );
    // Twice: writing a position again changes nothing.
    for (let time = 0; time < 2; time += 1) {
      await database.db.transaction().execute(async (tx) => {
        for (const [i, fact] of facts.entries()) {
          await projectFact(tx, { shard: 'default', pos: i + 1 }, fact);
        }
      });
    }
    const state = await readRegistryState(database.db, 'default');
    expect(state).toEqual(facts.reduce(applyFact, emptyRegistry()));
    expect(
      diffRegistry(
        state,
        sampleFile((r) => r.crews.pop()),
        0,
      ),
    ).toEqual([]);
  });

  it('keeps shards apart', async () => {
    expect(await readRegistryState(database.db, 'other')).toEqual(emptyRegistry());
  });
});
