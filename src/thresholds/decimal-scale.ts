/** Most instruments give numbers of at most so many decimals: these are kept as whole numbers. */
export const EXPONENT_MAX = 4;
/** 10 to the power of each exponent. */
export const SCALES = [1, 10, 100, 1_000, 10_000] as const;
