import { capsOf } from './caps.ts';
import { byProvenLimits } from './limits/proven-limits.ts';
import type { RuleDefinition } from './rule-definition.ts';
import type { InputProfile } from './rule-inputs.ts';

/** The limits by which a rule may accuse; null: something else than the limit keeps it from that. */
export function accusingLimits(
  definition: RuleDefinition,
  profile: InputProfile,
): RuleDefinition['limits'] | null {
  const accusing = byProvenLimits(definition) ?? definition;
  return capsOf({ ...accusing, profiles: [profile] }).length > 0 ? null : accusing.limits;
}
