import { digestOf } from '../model/digest.ts';
import type { RuleSubject } from '../model/exposure.ts';

/** What the revisions of one rule in one shift are numbered under. */
export const resultKeyOf = (
  subject: Pick<RuleSubject, 'post' | 'crew' | 'factor' | 'limitKind' | 'shift'>,
): string =>
  digestOf({
    post: subject.post,
    crew: subject.crew,
    factor: subject.factor,
    limitKind: subject.limitKind,
    shiftStartMs: subject.shift.startMs,
  });
