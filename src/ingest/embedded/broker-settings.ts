import { z } from 'zod';

const File = z.string().min(1);

/** Who may connect to the hub's own broker, how, and how much one may send. */
export const brokerSettings = z.strictObject({
  /** The listener then speaks TLS 1.2+ only. Renewed files count from the next minute on. */
  tls: z
    .strictObject({
      certFile: File,
      keyFile: File,
      /** Authorities of client certificates; then each client needs one whose CN is its client id. */
      clientCaFile: File.optional(),
    })
    .optional(),
  /**
   * Passwords by client id, as `wugan hub password` writes them; then each client needs its own. A changed
   * file counts at once.
   */
  passwordsFile: File.optional(),
  /** Of one connection; above it its socket is read no faster, so nothing is lost. */
  clientRate: z
    .strictObject({
      messagesPerSecond: z.int().min(1).default(2_000),
      bytesPerSecond: z
        .int()
        .min(262_144)
        .default(4 * 1_048_576),
    })
    .prefault({}),
});
export type BrokerSettings = z.infer<typeof brokerSettings>;
