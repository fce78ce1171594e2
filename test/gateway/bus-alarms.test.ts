import { describe, expect, it } from 'vitest';
import { createFlapDamper } from '../../src/gateway/flap-damper.ts';
import { createForeignWatch } from '../../src/gateway/foreign-watch.ts';
import { MINUTE_MS, SECOND_MS } from '../../src/model/time.ts';

const quiet = { requests: 0, crcErrors: 0, foreignRequests: 0, strayReplies: 0 };

describe('the watch for another master', () => {
  it('takes two requests within a minute for certain, and one for nothing', () => {
    const watch = createForeignWatch();
    expect(watch.look({ ...quiet, foreignRequests: 1 }, 0)).toBe('none');
    expect(watch.look({ ...quiet, foreignRequests: 2 }, 2 * MINUTE_MS)).toBe('none');
    expect(watch.look({ ...quiet, foreignRequests: 3 }, 2.5 * MINUTE_MS)).toBe('certain');
  });

  it('takes three replies to nobody within a minute for certain, not two', () => {
    const watch = createForeignWatch();
    expect(watch.look({ ...quiet, strayReplies: 2 }, 0)).toBe('none');
    expect(watch.look({ ...quiet, strayReplies: 3 }, 30 * SECOND_MS)).toBe('certain');
  });

  it('believes in it until ten minutes have passed without a sign', () => {
    const watch = createForeignWatch();
    watch.look({ ...quiet, foreignRequests: 2 }, 0);
    const heard = { ...quiet, foreignRequests: 4 };
    expect(watch.look(heard, 9 * MINUTE_MS)).toBe('certain');
    expect(watch.look(heard, 18 * MINUTE_MS)).toBe('certain');
    expect(watch.look(heard, 20 * MINUTE_MS)).toBe('none');
  });

  it('suspects one when more than a hundredth of the checksums are wrong, and only then', () => {
    const watch = createForeignWatch();
    expect(watch.look({ ...quiet, requests: 199, crcErrors: 50 }, 0)).toBe('none');
    expect(watch.look({ ...quiet, requests: 300, crcErrors: 50 }, 1)).toBe('suspected');
    expect(watch.look({ ...quiet, requests: 499, crcErrors: 52 }, 2)).toBe('suspected');
    expect(watch.look({ ...quiet, requests: 500, crcErrors: 52 }, 3)).toBe('none');
  });
});

describe('the flap damper', () => {
  it('tells six changes in ten minutes, then that it flaps, once, then nothing', () => {
    const damper = createFlapDamper();
    const told = Array.from({ length: 12 }, (_, i) => damper.edge(i * MINUTE_MS));
    expect(told.slice(0, 6)).toEqual(Array(6).fill('tell'));
    expect(told[6]).toBe('flapping');
    expect(new Set(told.slice(7))).toEqual(new Set(['hush']));
    expect(damper.count()).toBe(12);
    expect(damper.isFlapping(11 * MINUTE_MS)).toBe(true);
  });

  it('tells again after ten steady minutes', () => {
    const damper = createFlapDamper();
    for (let i = 0; i < 8; i += 1) damper.edge(i * SECOND_MS);
    expect(damper.isFlapping(9 * MINUTE_MS)).toBe(true);
    expect(damper.isFlapping(11 * MINUTE_MS)).toBe(false);
    expect(damper.edge(11 * MINUTE_MS)).toBe('tell');
  });

  it('takes changes that are far apart for what they are', () => {
    const damper = createFlapDamper();
    const told = Array.from({ length: 30 }, (_, i) => damper.edge(i * 2 * MINUTE_MS));
    expect(new Set(told)).toEqual(new Set(['tell']));
  });
});
