/**
 * Why a frame gives no batch, and whether its device gets an answer all the same: one that is kept and
 * can't be used is answered, or its device would send nothing after it; one of a sender that nobody vouches
 * for is not.
 */
export const HJ212_REASONS = {
  'hj212-noise': { isAnswered: false, meaning: 'bytes between frames' },
  'hj212-crc': { isAnswered: false, meaning: 'the CRC does not fit, computed in any known way' },
  'hj212-malformed': { isAnswered: false, meaning: 'no CN, MN or CP in the data segment' },
  'hj212-cipher': { isAnswered: false, meaning: 'encrypted, and no key, or no whole blocks' },
  'hj212-unknown-mn': { isAnswered: false, meaning: 'the MN is that of no registered gateway' },
  'hj212-other-address': { isAnswered: false, meaning: "not one of the gateway's addresses" },
  'hj212-deviation': { isAnswered: true, meaning: "not among the gateway's deviations" },
  'hj212-time': { isAnswered: true, meaning: 'DataTime is no time, or the period is not known' },
  'hj212-unmapped': { isAnswered: true, meaning: 'none of its codes is registered' },
  'hj212-day': { isAnswered: true, meaning: 'means of a whole day (CN 2031)' },
  'hj212-split': {
    isAnswered: true,
    meaning: 'a split packet without DataTime, also in its siblings',
  },
} as const satisfies Record<string, { isAnswered: boolean; meaning: string }>;

export type Hj212Reason = keyof typeof HJ212_REASONS;
