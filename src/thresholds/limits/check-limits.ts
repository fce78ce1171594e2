import type { z } from 'zod';
import type { LimitKind, LimitRow, LimitUnit } from '../../model/limits.ts';

/** Units in which the standard writes each kind of limit. */
const UNITS: Readonly<Record<LimitKind, readonly LimitUnit[]>> = {
  MAC: ['mg/m3'],
  PC_TWA: ['mg/m3', 'f/mL', 'pgTEQ/m3'],
  PC_STEL: ['mg/m3'],
  PEAK: [],
  MIXTURE: [],
  LEX_8H: ['dB(A)'],
  LEX_W: ['dB(A)'],
  L_PEAK: ['dB(A)'],
  WBGT: ['degC'],
};

/** g/mol of what gases are expressed as; a molecule holds a whole number of them. */
const MOLAR_MASS_OF: Readonly<Record<string, number>> = {
  CN: 26.017,
  F: 18.998,
  Ni: 58.693,
  Pb: 207.2,
  Se: 78.971,
  NO2: 46.006,
};

/** Most atoms of X that a molecule of the table holds. */
const ATOMS_MAX = 8;

/** What no single member can show: faults of a row against the standard's own rules. */
export function checkRow(row: LimitRow, ctx: z.RefinementCtx): void {
  const fault = (message: string): void => {
    ctx.addIssue({ code: 'custom', message: `${row.id}: ${message}` });
  };
  checkKinds(row, fault);
  checkBasis(row, fault);
  if (row.validTo !== null && row.validTo <= row.validFrom) fault('validTo after validFrom');
  if (row.confirmed && row.source.startsWith('memory')) fault('what is recalled is not confirmed');
  const band = row.altitudeM;
  if (band !== null && lowest(row) >= highest(row)) fault('an altitude band with room in it');
}

function checkKinds(row: LimitRow, fault: (message: string) => void): void {
  const kinds = new Set(row.limits.map(({ kind }) => kind));
  // GBZ 2.1-2019 6.3: a factor has MAC, or PC-TWA with or without PC-STEL, never both.
  if (kinds.has('MAC') && (kinds.has('PC_TWA') || kinds.has('PC_STEL'))) {
    fault('MAC never with PC-TWA or PC-STEL');
  }
  if (kinds.size < row.limits.length) fault('each kind of limit once');
  for (const { kind, unit } of row.limits) {
    if (!UNITS[kind].includes(unit)) fault(`${kind} is not written in ${unit}`);
  }
  if (kinds.has('WBGT') !== (row.contactTimeRatePercent !== undefined)) {
    fault('a WBGT limit is of one labour intensity and one contact-time rate');
  }
  if (kinds.has('L_PEAK') !== (row.impulsesPerDay !== undefined)) {
    fault('a limit of peaks is of a number of impulses in a day');
  }
  const unknown = (row.unconfirmedKinds ?? []).filter((kind) => !kinds.has(kind));
  if (unknown.length > 0) fault(`no limit of kind ${unknown.join(', ')}`);
}

function checkBasis(row: LimitRow, fault: (message: string) => void): void {
  const { expressedAs, expressedAsMolarMass, molarMass } = row;
  if (/按.*计/.test(row.nameZh) && expressedAs === null) fault('按…计 without expressedAs');
  if (expressedAsMolarMass === undefined) return;
  if (expressedAs === null) {
    fault('expressedAsMolarMass without expressedAs');
    return;
  }
  // ppm of an "as X" limit: atoms × M(X), never the compound's own molar mass.
  const massOfX = MOLAR_MASS_OF[expressedAs];
  const atoms = massOfX === undefined ? Number.NaN : expressedAsMolarMass / massOfX;
  const isWhole = Math.abs(atoms - Math.round(atoms)) < 1e-3;
  if (!isWhole || atoms < 1 || atoms > ATOMS_MAX) {
    fault(`expressedAsMolarMass is not a whole number of ${expressedAs}`);
  }
  if (molarMass !== null && expressedAsMolarMass > molarMass) {
    fault(`more ${expressedAs} than the molecule weighs`);
  }
}

/** What no single row can show: two rows that would judge the same thing at once. */
export function checkTogether(rows: readonly LimitRow[], ctx: z.RefinementCtx): void {
  const seen = new Map<string, LimitRow[]>();
  for (const row of rows) {
    for (const { kind } of row.limits) {
      const others = seen.get(subjectOf(row, kind)) ?? [];
      seen.set(subjectOf(row, kind), [...others, row]);
      const rival = others.find(
        (other) => overlapInTime(row, other) && overlapInAltitude(row, other),
      );
      if (rival === undefined) continue;
      const message = `${row.id} and ${rival.id} both say ${kind} of ${row.factor}`;
      ctx.addIssue({ code: 'custom', message });
    }
  }
}

/** What a limit is for, apart from date and altitude; the same factor in other units is another limit. */
const subjectOf = (row: LimitRow, kind: LimitKind): string =>
  JSON.stringify([
    row.factor,
    kind,
    row.fraction,
    row.limits.find((limit) => limit.kind === kind)?.unit,
    row.condition,
    row.labourIntensity,
    row.contactTimeRatePercent,
    row.impulsesPerDay,
  ]);

const overlapInTime = (a: LimitRow, b: LimitRow): boolean =>
  (a.validTo === null || b.validFrom < a.validTo) &&
  (b.validTo === null || a.validFrom < b.validTo);

/** Whether some altitude lies in both bands; an edge belongs to one of them. */
function overlapInAltitude(a: LimitRow, b: LimitRow): boolean {
  const from = Math.max(lowest(a), lowest(b));
  const to = Math.min(highest(a), highest(b));
  return from < to || (from === to && reaches(a, from) && reaches(b, from));
}

const lowest = ({ altitudeM }: LimitRow): number =>
  altitudeM?.from ?? altitudeM?.above ?? Number.NEGATIVE_INFINITY;

const highest = ({ altitudeM }: LimitRow): number =>
  altitudeM?.upToInclusive ?? altitudeM?.below ?? Number.POSITIVE_INFINITY;

const reaches = ({ altitudeM }: LimitRow, edgeM: number): boolean =>
  altitudeM?.above !== edgeM && altitudeM?.below !== edgeM;
