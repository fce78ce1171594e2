import { canonicalJson, sha256Hex } from '../model/digest.ts';
import type { Fact } from '../model/facts.ts';
import { fail, ok, type Result } from '../model/result.ts';
import type { Acks } from './acks.ts';
import type { Fate, Publication, Stray } from './broker.ts';
import type { Commands } from './commands.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';
import type { Outcome, Submission } from './journal/submission.ts';
import type { JournalWriter } from './journal/writer.ts';
import type { IngestMetrics } from './metrics.ts';
import { type DeadReason, receive } from './receive.ts';

/** What goes into the journal, from gateways and from the hub itself. */
export interface Intake {
  /** One message, from the broker to the journal, to the acks or to the dead letters. */
  take(publication: Publication): void;
  /**
   * A message that was put aside, once more: what the journal made of it, or why it is still unusable.
   * Its place in the chain is settled already, so it comes as one of a simple producer.
   */
  takeAgain(
    message: Pick<Publication, 'gateway' | 'channel' | 'payload'>,
  ): Promise<Result<'stored' | 'duplicate', DeadReason | 'not-taken'>>;
  /** What no registered gateway may have sent goes to the dead letters. */
  takeStray(stray: Stray): void;
  /** A dead letter, counted. */
  putAside(letter: DeadLetter & { readonly reason: DeadReason }): void;
  /** Ends when the fact is durable; rejects when the journal stopped first. */
  appendFact(fact: Fact): Promise<void>;
  /** Appends hub time, unless an earlier tick still waits: that one stands for it. */
  appendTick(atMs: number): void;
}

interface IntakeDeps {
  readonly writer: JournalWriter;
  readonly letters: DeadLetters;
  readonly acks: Acks;
  readonly commands: Pick<Commands, 'onStatus'>;
  readonly metrics: IngestMetrics;
  readonly now: () => number;
}

const FATES: Readonly<Record<Exclude<Outcome, 'unbacked'>, Fate>> = {
  stored: 'kept',
  duplicate: 'kept',
  deferred: 'deferred',
  closed: 'stopped',
};
const UNBACKED = 'upTo: expected a batch that came, or a seal signed by a registered key';

export function createIntake(deps: IntakeDeps): Intake {
  const { writer, letters, acks, commands, metrics, now } = deps;
  let isTickWaiting = false;

  /** An entry of the hub's own: its raw bytes are canonical JSON. */
  const ownEntry = (content: object): Pick<Submission, 'raw' | 'sha256' | 'receivedAtMs'> => {
    const raw = Buffer.from(canonicalJson(content));
    return { raw, sha256: sha256Hex(raw), receivedAtMs: now() };
  };

  const putAside = (letter: DeadLetter & { readonly reason: DeadReason }): void => {
    metrics.deadLetter(letter.reason);
    letters.put(letter);
  };

  return {
    putAside,
    take({ gateway, channel, topic, payload: raw, done }) {
      metrics.received(channel);
      const receivedAtMs = now();
      const putAway = (reason: DeadReason, detail: string, kept: (isKept: boolean) => void): void =>
        putAside({ receivedAtMs, source: gateway.id, topic, reason, detail, raw, done: kept });
      const putAwayForGood = (reason: DeadReason, detail: string): void =>
        putAway(reason, detail, (isKept) => done(isKept ? 'kept' : 'stopped'));
      const received = receive({
        ...{ channel, gateway, raw, receivedAtMs },
        done: (outcome) => {
          // Sent again and again until what it names has come: closing its sender would hold that up.
          if (outcome === 'unbacked') putAwayForGood('unbacked-seal', UNBACKED);
          else done(FATES[outcome]);
        },
      });
      if (!received.ok) putAwayForGood(received.reason, received.detail);
      else if (received.value.kind === 'submit') {
        writer.submit(received.value.submission);
      } else if (received.value.kind === 'reject') {
        const { reason, detail, submission } = received.value;
        // First the letter: a place that is settled is never sent again.
        putAway(reason, detail, (isKept) => (isKept ? writer.submit(submission) : done('stopped')));
      } else {
        done('kept');
        if (received.value.online) acks.online(gateway.id);
        commands.onStatus(gateway.id, raw);
      }
    },
    takeAgain: ({ gateway, channel, payload: raw }) =>
      new Promise((resolve) => {
        const received = receive({
          ...{ channel, gateway, raw, receivedAtMs: now() },
          done: (outcome) =>
            resolve(
              outcome === 'stored' || outcome === 'duplicate'
                ? ok(outcome)
                : fail('not-taken', `the journal says ${outcome}`),
            ),
        });
        if (!received.ok) resolve(received);
        else if (received.value.kind === 'submit') {
          writer.submit(withoutPlace(received.value.submission));
        } else if (received.value.kind === 'reject') {
          resolve(fail(received.value.reason, received.value.detail));
        } else {
          resolve(ok('duplicate'));
        }
      }),
    takeStray({ source, topic, payload: raw, reason, detail, done }) {
      putAside({
        ...{ receivedAtMs: now(), source, topic, reason, detail, raw },
        done: (isKept) => done(isKept ? 'kept' : 'stopped'),
      });
    },
    appendFact: (fact) =>
      new Promise((stored, refused) => {
        const own = ownEntry(fact);
        writer.submit({
          ...own,
          kind: 'fact',
          // As it will be read from the block: without members that JSON leaves out.
          fact: JSON.parse(own.raw.toString()) as Fact,
          done: (outcome) => {
            if (outcome === 'stored') stored();
            else refused(new Error(`Cannot append a fact: the journal is ${outcome}`));
          },
        });
      }),
    appendTick(atMs) {
      if (isTickWaiting) return;
      isTickWaiting = true;
      writer.submit({
        ...ownEntry({ v: 1, atMs }),
        kind: 'tick',
        atMs,
        done: () => {
          isTickWaiting = false;
        },
      });
    },
  };
}

const withoutPlace = (submission: Submission): Submission =>
  submission.kind === 'batch' ? { ...submission, epoch: null, seq: null } : submission;
