/** Why a frame gives no batch. `crc` is never answered (HJ 212-2017 6.6.5): its sender is unknown. */
export type Hj212Reason =
  | 'hj212-noise'
  | 'hj212-crc'
  | 'hj212-malformed'
  | 'hj212-deviation'
  | 'hj212-time'
  | 'hj212-cipher'
  | 'hj212-unmapped';
