import { type Kysely, type Migration, Migrator } from 'kysely';
import * as telemetry from './migrations/001-telemetry.ts';
import * as registry from './migrations/002-registry.ts';
import * as exposure from './migrations/003-exposure.ts';
import * as enforcement from './migrations/004-enforcement.ts';
import * as retention from './migrations/005-retention.ts';
import * as outputPlaces from './migrations/006-output-places.ts';
import * as replayedLetters from './migrations/006-replayed-letters.ts';
import * as evidenceDialect from './migrations/007-evidence-dialect.ts';
import * as roles from './migrations/008-roles.ts';
import * as unparked from './migrations/009-unparked.ts';
import * as checkpointPieces from './migrations/010-checkpoint-pieces.ts';
import * as evidenceUpdate from './migrations/011-evidence-update.ts';
import type { Database } from './schema.ts';

/** In the order in which they run; a landed one is never changed. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '001-telemetry': telemetry,
  '002-registry': registry,
  '003-exposure': exposure,
  '004-enforcement': enforcement,
  '005-retention': retention,
  '006-replayed-letters': replayedLetters,
  '006-output-places': outputPlaces,
  '007-evidence-dialect': evidenceDialect,
  '008-roles': roles,
  '009-unparked': unparked,
  '010-checkpoint-pieces': checkpointPieces,
  '011-evidence-update': evidenceUpdate,
};

/** Brings the schema to this build's state; a no-op when it is there already. Throws what failed. */
export async function migrate(db: Kysely<Database>): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...MIGRATIONS }) },
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
