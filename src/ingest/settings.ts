import { z } from 'zod';
import { brokerSettings } from './embedded/broker-settings.ts';
import { mqttSettings } from './external/mqtt-settings.ts';
import { hj212Settings } from './hj212/settings.ts';
import { sparkplugSettings } from './sparkplug/settings.ts';

/** Every setting of ingest, with the bound's behaviour when it is reached. */
export const ingestSettings = z.strictObject({
  /** Where the embedded MQTT broker listens, if `mqtt.url` names no other. */
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(1_883),
  mqtt: mqttSettings.prefault({}),
  /** Of the embedded broker. */
  broker: brokerSettings.prefault({}),
  /** Name of the set of regions that this hub carries; one writer each. */
  shard: z.string().min(1).max(64).default('main'),
  lease: z
    .strictObject({
      /** A holder that has not renewed for this long may be replaced. */
      durationMs: z.int().min(1_000).default(10_000),
    })
    .prefault({}),
  /** Payload bytes taken and not yet durable; above it no socket is read. */
  inFlightBytesMax: z
    .int()
    .min(1_048_576)
    .default(64 * 1_048_576),
  /**
   * Client ids that may publish for every registered gateway, e.g. the bridge of a park's own broker; a
   * trailing `*` stands for any ending. Nobody by default.
   */
  bridges: z.array(z.string().min(1)).default([]),
  /** Devices that speak HJ 212 over TCP; absent: nobody listens for them. */
  hj212: hj212Settings.optional(),
  /** The Sparkplug B host application on the broker, the hub's own or another; absent: there is none. */
  sparkplug: sparkplugSettings.optional(),
  /** Connections; one more is closed at once. */
  clientsMax: z.int().min(1).default(20_000),
  block: z
    .strictObject({
      /** Entries and raw bytes of one group commit; the rest waits for the next. */
      entriesMax: z.int().min(1).max(8_192).default(4_096),
      bytesMax: z
        .int()
        .min(262_144)
        .default(4 * 1_048_576),
    })
    .prefault({}),
  ring: z
    .strictObject({
      /** Decoded entries kept for readers in this process; a slower one reads blocks instead. */
      entriesMax: z.int().min(1).default(50_000),
      bytesMax: z
        .int()
        .min(1)
        .default(32 * 1_048_576),
    })
    .prefault({}),
  /** Hub time enters the journal this often. */
  tickIntervalMs: z.int().min(100).default(60_000),
  /** Least time between two acks to one gateway; stretched when acks would take over 5 % of time. */
  ackIntervalMs: z.int().min(10).default(1_000),
  retention: z
    .strictObject({
      /**
       * Days that the journal is kept; evidence is copied out before. Four weeks of a roster's cycle and
       * the days in which results are still revised must fit, to rebuild the engine from it.
       */
      journalDays: z.int().min(8).default(35),
      /** Days that minute cells are kept. */
      cellDays: z.int().min(8).default(400),
    })
    .prefault({}),
  checkpoint: z
    .strictObject({
      intervalMs: z.int().min(0).default(60_000),
      entriesMin: z.int().min(1).default(1_000),
    })
    .prefault({}),
});
export type IngestSettings = z.infer<typeof ingestSettings>;
