import type { Certificate } from '../../model/facts.ts';
import { MINUTE_MS } from '../../model/time.ts';
import type { Detector } from './detector.ts';

/** A closed minute of a channel, and its device's certificate by the facts known; null: none on file. */
export interface MinuteWithCertificate {
  readonly minute: number;
  readonly certificate: Certificate | null;
}

/** What is told for a device without any certificate. */
const NONE = -1;

/** The instrument measures on, but nobody answers for it any more: its readings are no proof (design §5). */
export const certificateExpired: Detector<MinuteWithCertificate> = {
  kind: 'CERTIFICATE_EXPIRED',
  /** End of the certificate told last. */
  slots: 1,
  see({ minute, certificate }, memory, at) {
    const endMs = (minute + 1) * MINUTE_MS;
    if (certificate !== null && certificate.untilMs >= endMs) return undefined;
    const told = certificate === null ? NONE : certificate.untilMs;
    if (memory[at] === told) return undefined;
    memory[at] = told;
    return certificate === null
      ? { fromMs: minute * MINUTE_MS, detail: { reason: 'none-on-file' } }
      : {
          fromMs: certificate.untilMs,
          detail: { reason: 'expired', number: certificate.number },
        };
  },
};
