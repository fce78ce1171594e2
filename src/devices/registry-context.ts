import type { Unit } from '../model/limits.ts';

/** Each factor of a limit set with the units whose readings its limits can judge; none: shown only. */
export type FactorUnits = ReadonlyMap<string, readonly Unit[]>;

/** What a registry file is checked against besides itself. */
export interface RegistryContext {
  /** Hub time, UTC ms. */
  readonly nowMs: number;
  /** The limit sets that this build can judge by, by id. */
  readonly limitSets: ReadonlyMap<string, FactorUnits>;
}
