import { z } from 'zod';
import { SparkplugId } from '../../model/sparkplug.ts';

const Ms = z.int().min(1);

/** The Sparkplug B 3.0 host application. */
export const sparkplugSettings = z.strictObject({
  /** Names this host in its STATE; no other host of the infrastructure may have it. */
  hostId: SparkplugId,
  /** Groups that are subscribed to; empty: all. */
  groups: z.array(SparkplugId).max(1_000).default([]),
  /** How long a message may be missing before a rebirth is asked for. */
  reorderTimeoutMs: Ms.default(5_000),
  /** Least time between two requests for a rebirth of one edge node. */
  rebirthIntervalMs: Ms.default(10_000),
  /** Requests for a rebirth of all edge nodes together; the rest is asked later. */
  rebirthsPerSecondMax: z.int().min(1).default(20),
  /** Messages of an edge node that wait for an earlier one, or for a birth. */
  heldMessagesMax: z.int().min(1).max(255).default(64),
  /** How long messages behind a lost one wait for a birth; then they are put aside. */
  heldMsMax: Ms.default(60_000),
  /** Payload bytes taken and not yet durable; at it the host goes offline until half of it is. */
  inFlightBytesMax: z
    .int()
    .min(1_048_576)
    .default(32 * 1_048_576),
  /** The host goes offline when the journal can't be written for longer. */
  storingTroubleMsMax: Ms.default(2_000),
  /** Dead letters of one edge node between two of its births; beyond it they are only counted. */
  lettersPerBirthMax: z.int().min(0).default(64),
  /** Dead letters an hour of edge nodes that are not registered, all together; likewise. */
  strayLettersPerHourMax: z.int().min(0).default(1_000),
});
export type SparkplugSettings = z.infer<typeof sparkplugSettings>;
