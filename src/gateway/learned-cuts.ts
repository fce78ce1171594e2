import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { sha256Hex } from '../model/digest.ts';
import type { DeviceConfig } from './bus-config.ts';
import { RegisterTable } from './point-types.ts';
import type { Cut } from './poll-plan.ts';

/** Cuts of one device that are remembered; a map that needs more is wrong, and the oldest go. */
const CUTS_MAX = 200;

const LearnedFile = z.record(
  z.string(),
  z.strictObject({
    map: z.string(),
    cuts: z.array(z.strictObject({ table: RegisterTable, at: z.int() })).max(CUTS_MAX),
  }),
);

/** What devices refused to be read across, kept over restarts. */
export interface LearnedCuts {
  of(device: DeviceConfig): readonly Cut[];
  add(device: DeviceConfig, cut: Cut): void;
}

/** Another map of the same device is another question: what was learned for it is forgotten. */
const mapOf = ({ unitId, points, protocol }: DeviceConfig): string =>
  sha256Hex(JSON.stringify([unitId, points, protocol])).slice(0, 16);

/** Keeps it in memory only. */
export function createLearnedCuts(
  known: z.infer<typeof LearnedFile> = {},
  onChange: (all: z.infer<typeof LearnedFile>) => void = () => undefined,
): LearnedCuts {
  const all = { ...known };
  return {
    of(device) {
      const own = all[device.device];
      return own?.map === mapOf(device) ? own.cuts : [];
    },
    add(device, cut) {
      const map = mapOf(device);
      const own = all[device.device];
      const cuts = own?.map === map ? own.cuts : [];
      all[device.device] = { map, cuts: [...cuts, cut].slice(-CUTS_MAX) };
      onChange(all);
    },
  };
}

/**
 * Keeps it in a JSON file, in a folder that exists. A file that can't be read or written is no fault worth stopping for: it is
 * told to `onFault`, and learned again.
 */
export function openLearnedCuts(file: string, onFault: (error: unknown) => void): LearnedCuts {
  const write = (all: z.infer<typeof LearnedFile>): void => {
    try {
      writeFileSync(`${file}.new`, JSON.stringify(all));
      renameSync(`${file}.new`, file);
    } catch (error) {
      onFault(error);
    }
  };
  return createLearnedCuts(readLearned(file, onFault), write);
}

function readLearned(file: string, onFault: (error: unknown) => void): z.infer<typeof LearnedFile> {
  try {
    return LearnedFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onFault(error);
    return {};
  }
}
