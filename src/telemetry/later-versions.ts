/**
 * Versions of the batch schema above 1 that this build can read; so far there is none. A reader says an
 * envelope of its version as one of version 1, which is checked like any other; it never throws.
 */
export const LATER_VERSIONS: Map<
  number,
  (envelope: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
> = new Map();

/** Every version that is evaluated, as acks tell it to gateways. */
export const versionsRead = (): number[] => [1, ...LATER_VERSIONS.keys()];
