/** MODBUS Application Protocol V1.1b3, section 7. */
export const EXCEPTION = {
  illegalFunction: 0x01,
  illegalDataAddress: 0x02,
  illegalDataValue: 0x03,
  deviceFailure: 0x04,
  acknowledge: 0x05,
  busy: 0x06,
  memoryParity: 0x08,
  gatewayPathUnavailable: 0x0a,
  gatewayTargetFailed: 0x0b,
} as const;

/**
 * What an exception asks for. `later`: the same again in a while, without holding the bus; `again`: once
 * more at once; `split`: a register of the request is refused; `path`: a fault of the converter, which
 * says nothing about the device; `nobody`: the converter got no answer from the device; `refused`: the
 * device does not do this, now or ever.
 */
export type ExceptionMeaning = 'later' | 'again' | 'split' | 'path' | 'nobody' | 'refused';

const MEANINGS: Readonly<Record<number, ExceptionMeaning>> = {
  [EXCEPTION.illegalFunction]: 'refused',
  [EXCEPTION.illegalDataAddress]: 'split',
  [EXCEPTION.illegalDataValue]: 'split',
  [EXCEPTION.deviceFailure]: 'again',
  [EXCEPTION.acknowledge]: 'later',
  [EXCEPTION.busy]: 'later',
  [EXCEPTION.memoryParity]: 'again',
  [EXCEPTION.gatewayPathUnavailable]: 'path',
  [EXCEPTION.gatewayTargetFailed]: 'nobody',
};

export const meaningOf = (code: number): ExceptionMeaning => MEANINGS[code] ?? 'refused';

const NAMES: Readonly<Record<number, string>> = {
  [EXCEPTION.illegalFunction]: 'illegal function: it does not know this table',
  [EXCEPTION.illegalDataAddress]: 'illegal data address: it has no such register',
  [EXCEPTION.illegalDataValue]: 'illegal data value: it does not read so many at once',
  [EXCEPTION.deviceFailure]: 'device failure',
  [EXCEPTION.acknowledge]: 'acknowledge: it needs longer',
  [EXCEPTION.busy]: 'busy',
  [EXCEPTION.memoryParity]: 'memory parity error',
  [EXCEPTION.gatewayPathUnavailable]: 'the converter has no path to its line',
  [EXCEPTION.gatewayTargetFailed]: 'the converter got no answer from the device',
};

/** An exception for people. */
export const exceptionText = (code: number): string =>
  `exception ${code} (${NAMES[code] ?? 'unknown'})`;
