import { BATCH_BYTES_MAX, BATCH_VALUES_MAX } from '../../model/batch.ts';
import type { GatewayId } from '../../model/ids.ts';
import type { ImportedReading } from './row-readings.ts';

/** A frame's own bytes beside its values, and a value's beside its name: generous. */
const FRAME_BYTES = 160;
const VALUE_BYTES = 64;
const ENVELOPE_BYTES = 256;

interface Frame {
  readonly device: string;
  readonly at: number;
  readonly spanMs: number;
  readonly values: Record<string, number | null>;
  readonly flags: Record<string, string>;
}

/** Packs readings in order of time into batches of a simple producer, each as large as one may be. */
export interface BatchPacker {
  /** Adds a reading; gives the batches that are full. Other content for one second is `conflict`. */
  add(reading: ImportedReading): 'taken' | 'duplicate' | 'conflict';
  /** The batches made since the last call; with `isLast` also the one being filled. */
  take(isLast: boolean): Buffer[];
}

/**
 * Readings of one device and time come together in a frame while the batch is open. The bytes follow
 * from the readings alone, so a file imported again gives the same batches, which are known already.
 */
export function createBatchPacker(gateway: GatewayId, spanMs: number): BatchPacker {
  let frames = new Map<string, Frame>();
  let values = 0;
  let bytes = ENVELOPE_BYTES;
  let made: Buffer[] = [];

  function close(): void {
    if (frames.size === 0) return;
    const content = [...frames.values()].map(({ flags, ...frame }) =>
      Object.keys(flags).length === 0 ? frame : { ...frame, flags },
    );
    const createdAt = content.reduce((latest, { at }) => Math.max(latest, at), 0);
    made.push(Buffer.from(JSON.stringify({ v: 1, gateway, createdAt, frames: content })));
    frames = new Map();
    values = 0;
    bytes = ENVELOPE_BYTES;
  }

  return {
    add({ device, metric, atMs, value, flag }) {
      const key = `${device} ${atMs}`;
      const known = frames.get(key);
      if (known !== undefined && Object.hasOwn(known.values, metric)) {
        const isSame = known.values[metric] === value && (known.flags[metric] ?? 'N') === flag;
        return isSame ? 'duplicate' : 'conflict';
      }
      const more = VALUE_BYTES + 2 * metric.length + (known === undefined ? FRAME_BYTES : 0);
      if (values + 1 > BATCH_VALUES_MAX || bytes + more > BATCH_BYTES_MAX) close();
      const opened: Frame = { device, at: atMs, spanMs, values: {}, flags: {} };
      const frame = frames.get(key) ?? opened;
      frames.set(key, frame);
      frame.values[metric] = value;
      if (flag !== 'N') frame.flags[metric] = flag;
      values += 1;
      bytes += more;
      return 'taken';
    },
    take(isLast) {
      if (isLast) close();
      const taken = made;
      made = [];
      return taken;
    },
  };
}
