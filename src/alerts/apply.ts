import { sql, type Transaction } from 'kysely';
import { tryInPart } from '../database/lasting-fault.ts';
import type { Database } from '../database/schema.ts';
import type { JournalEntry } from '../model/entry.ts';
import type { EngineOutput } from '../model/exposure.ts';
import { HOUR_MS } from '../model/time.ts';
import { type ExceedanceSignal, refresh, releaseClue } from './carry-out.ts';
import type { ClueDraft } from './clue-draft.ts';
import { loadDueClues, postponeClue, readNextDueMs, saveClue } from './clue-store.ts';
import { createDueWatch, type EntryPlace } from './due-watch.ts';
import { saveClaims } from './save-claims.ts';
import type { AlertSettings } from './settings.ts';
import { takeSignal } from './take-signal.ts';

/** Heard by whoever listens on the database when a revision was released; sent on commit. */
export const OUTBOX_CHANNEL = 'wugan_outbox';

type Tx = Transaction<Database>;

export interface EntryAt extends EntryPlace {
  readonly kind: JournalEntry['kind'];
}

export interface Alerts {
  /**
   * Takes what the engine gave for one journal entry, inside the transaction that moves the output
   * cursor. Called for every entry in order, with or without outputs: whatever is due by the
   * entry's receive time is released then. No clock is read, so a replay gives the same clues and
   * revisions.
   */
  apply(tx: Tx, at: EntryAt, outputs: readonly EngineOutput[]): Promise<void>;
}

export interface AlertHooks {
  onOpened?(clueNo: string): void;
  onReleased?(idempotencyKey: string): void;
  /** The same key with other content, or the like. */
  onAlarm(reason: string, detail: object): void;
  /** A clue can't be released; it is tried again later. */
  onPostponed(clueNo: string, fault: string): void;
}

/** A clue that can't be released waits so long, in time of the journal. */
const POSTPONED_MS = HOUR_MS;

export function createAlerts(settings: AlertSettings, hooks: AlertHooks): Alerts {
  const watch = createDueWatch();

  async function save(tx: Tx, clue: ClueDraft, at: EntryAt): Promise<void> {
    refresh(clue, settings);
    await saveClue(tx, clue, at.pos, (idempotencyKey) =>
      hooks.onAlarm('outbox key taken with another body', { idempotencyKey }),
    );
    await saveClaims(tx, at, clue);
    if (clue.openedPos === at.pos && clue.takenPos === 0) hooks.onOpened?.(clue.clueNo);
    if (clue.state === 'READY') watch.waits(at, clue.dueAtMs);
  }

  async function takeSignals(
    tx: Tx,
    at: EntryAt,
    signals: readonly ExceedanceSignal[],
  ): Promise<void> {
    const drafts = new Map<string, ClueDraft>();
    for (const signal of signals) {
      await takeSignal(tx, at, signal, { settings, drafts, onAlarm: hooks.onAlarm });
    }
    for (const clue of drafts.values()) await save(tx, clue, at);
  }

  async function releaseDueClues(tx: Tx, at: EntryAt): Promise<void> {
    let released = false;
    for (const clue of await loadDueClues(tx, at.receivedAtMs)) {
      // One that fails must hold up neither the others nor every entry that comes after.
      const fault = await tryInPart(tx, async () => {
        if (!releaseClue(clue, at.receivedAtMs, settings)) return;
        await save(tx, clue, at);
      });
      if (fault !== null) {
        await postponeClue(tx, clue.clueNo, at.receivedAtMs + POSTPONED_MS);
        hooks.onPostponed(clue.clueNo, fault);
      } else if (clue.release !== null) {
        hooks.onReleased?.(`${clue.clueNo}-${clue.release.revision}`);
        released = true;
      }
    }
    watch.looked(at, await readNextDueMs(tx));
    if (released) await sql`select pg_notify(${OUTBOX_CHANNEL}, '')`.execute(tx);
  }

  return {
    async apply(tx, at, outputs) {
      watch.reach(at);
      const signals = outputs.flatMap((output) =>
        output.kind === 'signal' &&
        (output.signal.kind === 'OVER_LIMIT' || output.signal.kind === 'OVER_LIMIT_WITHDRAWN')
          ? [output.signal]
          : [],
      );
      if (signals.length > 0) await takeSignals(tx, at, signals);
      if (watch.isDue(at)) await releaseDueClues(tx, at);
    },
  };
}
