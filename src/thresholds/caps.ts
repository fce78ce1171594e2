import type { AppliedLimit, LimitKind } from '../model/limits.ts';
import { feedsOf } from './feed-seconds.ts';
import type { RuleInputs } from './rule-inputs.ts';
import { inputsUncertainty } from './uncertainty.ts';

/** Kinds that declared minutes can't place in the shift. */
const SHORT_KINDS: readonly LimitKind[] = ['PC_STEL', 'PEAK', 'L_PEAK'];

/** What keeps a verdict at `suspected`, whatever the limit and the readings (design §5). */
export function capsOf(
  inputs: Pick<RuleInputs, 'basis' | 'subject' | 'profiles' | 'caps' | 'first' | 'further'>,
): readonly string[] {
  const { basis, subject, further = [] } = inputs;
  const caps = [...inputs.caps];
  // MAC binds the workplace itself, so whose exposure it was doesn't matter.
  if (subject.limitKind !== 'MAC') {
    if (basis === 'ASSUMED_FULL_SHIFT') caps.push('assumed-full-shift');
    if (basis === 'PRESENCE' && !further.some(({ role }) => role === 'presence')) {
      caps.push('no-presence-record');
    }
    if (basis === 'DECLARED_MINUTES' && SHORT_KINDS.includes(subject.limitKind)) {
      caps.push('declared-minutes');
    }
  }
  if (inputsUncertainty(inputs) === null) caps.push('no-uncertainty');
  const profiles = feedsOf(inputs).flatMap((feed) =>
    feed.role === 'fallback' ? [] : feed.profiles,
  );
  if (profiles.some(({ specific }) => !specific)) caps.push('non-specific');
  return caps;
}

export function capsOfLimit(limit: AppliedLimit): readonly string[] {
  const caps: string[] = [];
  if (!limit.confirmed) caps.push('limit-unconfirmed');
  if (limit.force === 'RECOMMENDED') caps.push('limit-recommended');
  return caps;
}
