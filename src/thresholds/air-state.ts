import type { MetricProfile } from '../model/facts.ts';
import { molarVolumeL } from './limits/unit-factor.ts';

const STANDARD_C = 20;
const STANDARD_KPA = 101.325;

/** GBZ 159: a sample's volume at 20 °C and 101.3 kPa, V0 = V·293/(273 + t)·P/101.3. */
export const normalVolume = (volume: number, temperatureC: number, pressureKPa: number): number =>
  (((volume * 293) / (273 + temperatureC)) * pressureKPa) / 101.3;

/** GBZ 159 takes the volume as it is in between (range remembered, unverified). */
const isUsualAir = (temperatureC: number, pressureKPa: number): boolean =>
  temperatureC >= 5 && temperatureC <= 35 && pressureKPa >= 98.8 && pressureKPa <= 103.4;

/**
 * What mg/m³ in the instrument's air are multiplied by to be mg/m³ of the limit set. A gas detector
 * counts molecules and writes mass for its own molar volume, so it is rebased to that at 20 °C; a dust
 * monitor's sample is normalised as GBZ 159 does a filter's.
 */
export function airFactor(air: MetricProfile['air'] | undefined, isDust: boolean): number {
  if (air === undefined || typeof air === 'string') return 1;
  const { temperatureC, pressureKPa } = air;
  if (isDust) {
    return isUsualAir(temperatureC, pressureKPa)
      ? 1
      : 1 / normalVolume(1, temperatureC, pressureKPa);
  }
  const molarVolume = molarVolumeL(temperatureC) * (STANDARD_KPA / pressureKPa);
  return molarVolume / molarVolumeL(STANDARD_C);
}
