/** Of a turn of the event loop so much counts; what is longer was a stall. */
const TURN_MS_MAX = 2;

let aliveMs = 0;
let turnMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  aliveMs += Math.min(TURN_MS_MAX, nowMs - turnMs);
  turnMs = nowMs;
}, 1).unref();

/**
 * Real ms that this process lived through, to pace a virtual clock with: while the machine stalls it
 * stands still, so that what a gateway leaves out is the gateway's own doing. Good where everything
 * that has to be in time runs in the one process.
 */
export const aliveTimeMs = (): number => aliveMs;
