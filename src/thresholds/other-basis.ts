import { type CombinedTable, readRuleTable } from './combine-feeds.ts';
import type { InputProfile, RuleInputs } from './rule-inputs.ts';
import type { RuleOutcome } from './rule-outcome.ts';

type Ask = (inputs: RuleInputs, combined: CombinedTable) => RuleOutcome | undefined;

/**
 * Nitrogen oxides: the measured masses of NO and NO2 judge. Whether the limit counts NO as NO2 is not
 * confirmed, so that sum gives at most `suspected`, and its numbers are in the result.
 */
export function otherBasis(
  inputs: RuleInputs,
  outcome: RuleOutcome | undefined,
  ask: Ask,
): RuleOutcome | undefined {
  const profiles = [inputs, ...(inputs.further ?? [])].flatMap((feed) => feed.profiles);
  if (outcome === undefined || profiles.every((one) => one.otherBasisFactor === undefined)) {
    return outcome;
  }
  const onOther = onOtherBasis(inputs);
  const other = ask(onOther, readRuleTable(onOther));
  if (other === undefined) return outcome;
  const isAbove = other.verdict === 'exceeded' || other.verdict === 'suspected';
  const decides = isAbove && outcome.verdict !== 'exceeded' && outcome.verdict !== 'suspected';
  const { lowerBound, estimate } = other.window;
  return {
    ...outcome,
    verdict: decides ? 'suspected' : outcome.verdict,
    details: {
      ...outcome.details,
      otherBasisLowerBound: lowerBound,
      ...(estimate === null ? {} : { otherBasisEstimate: estimate }),
    },
    notes: [...(outcome.notes ?? []), ...(decides ? ['other-basis'] : [])],
  };
}

const onOtherBasis = (inputs: RuleInputs): RuleInputs => ({
  ...inputs,
  profiles: inputs.profiles.map(converted),
  further: (inputs.further ?? []).map((feed) => ({
    ...feed,
    profiles: feed.profiles.map(converted),
  })),
});

const converted = ({ otherBasisFactor, ...profile }: InputProfile): InputProfile => ({
  ...profile,
  unitFactor: otherBasisFactor ?? profile.unitFactor,
});
