import type { CellRow, ResultRow } from './output-rows.ts';
import { type Places, tagText } from './place-tags.ts';

/** Measurement `wugan_minute`: means and coverage of a minute, at its start. */
export function cellLine(places: Places, cell: CellRow): string {
  const { pos, device, metric, unit, mean, max, coveredSeconds, excludedSeconds, minuteMs } = cell;
  const place = places.of({ device, metric, atMs: minuteMs, pos });
  const fields = fieldText({
    mean,
    max,
    covered_s: coveredSeconds,
    excluded_s: excludedSeconds,
  });
  return `wugan_minute${tagText({ ...place, device, metric, unit })} ${fields} ${minuteMs}`;
}

/**
 * Measurement `wugan_result`: one revision of one rule's outcome for one shift, at the shift's end.
 * A later revision is a point of its own.
 */
export function resultLine(result: ResultRow): string {
  const { subject, limit, window, verdict, basis, revision } = result;
  const { region, enterprise, post, crew, point, factor, limitKind } = subject;
  const tags = tagText({
    ...{ region, enterprise, post, crew, point, factor, verdict, basis },
    ...{ limit_kind: limitKind, unit: limit.unit, revision: String(revision) },
  });
  const fields = fieldText({
    lower_bound: window.lowerBound,
    estimate: window.estimate,
    uncertainty: result.uncertainty,
    limit: limit.value,
    ratio: result.ratio,
    difference: result.difference,
    coverage: result.coverage,
    contact_minutes: result.contactMinutes,
  });
  return `wugan_result${tags} ${fields} ${subject.shift.endMs}`;
}

/** Floats only; a field that is null is not there. */
const fieldText = (fields: Readonly<Record<string, number | null>>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
