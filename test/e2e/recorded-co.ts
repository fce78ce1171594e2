import { readFileSync } from 'node:fs';

const HOUR_S = 3_600;

/** Rows of the CO column from a wall time on, read with nothing of the simulators' own reader. */
function coRows(fromDate: string, fromTime: string): (number | null)[] {
  const lines = readFileSync('simulators/recordings/air-quality-1h.csv', 'utf8').trim().split('\n');
  const start = lines.findIndex((line) => line.startsWith(`${fromDate},${fromTime}`));
  if (start < 0) throw new Error(`no row ${fromDate} ${fromTime}`);
  return lines.slice(start).map((line) => {
    const value = Number(line.split(',')[2]);
    return value === -200 ? null : value;
  });
}

/**
 * What the demo's CO sensor of company A shows at a second: the recorded hourly values from
 * 2004-11-23 16:00 on, five times as strong, joined by straight lines, as a float32 register.
 */
export function recordedCoMgPerM3(anchorMs: number): (atMs: number) => number {
  const rows = coRows('11/23/2004', '16:00:00');
  return (atMs) => {
    const elapsedS = (atMs - anchorMs) / 1_000;
    const hour = Math.floor(elapsedS / HOUR_S);
    const share = (elapsedS - hour * HOUR_S) / HOUR_S;
    const before = rows[hour];
    const after = rows[hour + 1];
    if (before == null || after == null) throw new Error(`nothing recorded in hour ${hour}`);
    return Math.fround((before + (after - before) * share) * 5);
  };
}
