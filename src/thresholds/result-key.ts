import { sha256Hex } from '../model/digest.ts';
import type { RuleSubject } from '../model/exposure.ts';

/** What the revisions of one rule in one shift are numbered under. */
export const resultKeyOf = (
  subject: Pick<RuleSubject, 'post' | 'crew' | 'factor' | 'limitKind' | 'shift'>,
): string =>
  // The canonical JSON of these members, written out: standings ask for it hundreds of times a second.
  sha256Hex(
    `{"crew":${JSON.stringify(subject.crew)},"factor":${JSON.stringify(subject.factor)},` +
      `"limitKind":${JSON.stringify(subject.limitKind)},"post":${JSON.stringify(subject.post)},` +
      `"shiftStartMs":${subject.shift.startMs}}`,
  );
