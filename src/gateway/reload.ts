import { isDeepStrictEqual } from 'node:util';
import { fail, ok, type Result } from '../model/result.ts';
import { ConfigError } from '../process/config-file.ts';
import type { Logger } from '../process/log.ts';
import type { GatewayConfig } from './config.ts';
import type { BusChange } from './running-buses.ts';

/**
 * `faulty`: the file has faults; `needs-restart`: it changes what can't be changed while running;
 * `no-file`: there is no file to read.
 */
export type ReloadFailure = 'faulty' | 'needs-restart' | 'no-file';

/** What may change while the gateway runs. Everything else is the identity of what runs. */
const RELOADABLE: ReadonlySet<string> = new Set([
  'buses',
  'clock',
  'batch',
  'liveAgeMsMax',
  'backfillPerSecond',
  'resendAfterMs',
  'hubPublicKey',
  'hubPublicKeyNext',
] satisfies (keyof GatewayConfig)[]);

/** Settings that differ and can't be changed while the gateway runs, each with what to do. */
const reloadFaults = (running: GatewayConfig, next: GatewayConfig): string[] =>
  (Object.keys({ ...running, ...next }) as (keyof GatewayConfig)[])
    .filter((name) => !RELOADABLE.has(name) && !isDeepStrictEqual(running[name], next[name]))
    .map((name) => `${name}: differs from what runs; restart the gateway to change it`);

export interface Reloader {
  /** The settings that run now. */
  running(): GatewayConfig;
  reload(): Promise<Result<BusChange, ReloadFailure>>;
  /** Ends when no reload is under way. */
  settled(): Promise<unknown>;
}

/** Reads the settings anew and goes over to them, or says why not and changes nothing. */
export function createReloader(settings: {
  readonly config: GatewayConfig;
  readonly log: Logger;
  /** Throws `ConfigError`. */
  readonly readConfig: (() => GatewayConfig) | undefined;
  readonly apply: (next: GatewayConfig) => Promise<BusChange>;
}): Reloader {
  const { log, readConfig } = settings;
  let running = settings.config;
  let last: Promise<unknown> = Promise.resolve();

  function readNext(): Result<GatewayConfig, ReloadFailure> {
    if (readConfig === undefined) return fail('no-file', 'started without a settings file');
    try {
      const next = readConfig();
      const faults = reloadFaults(running, next);
      return faults.length === 0 ? ok(next) : fail('needs-restart', faults.join('; '));
    } catch (error) {
      if (error instanceof ConfigError) return fail('faulty', error.message);
      throw error;
    }
  }

  async function reloadNow(): Promise<Result<BusChange, ReloadFailure>> {
    const next = readNext();
    if (!next.ok) {
      log.error({ reason: next.reason }, `reload refused, the old settings go on: ${next.detail}`);
      return next;
    }
    running = next.value;
    const change = await settings.apply(next.value);
    log.info({ ...change }, 'settings reloaded');
    return ok(change);
  }

  return {
    running: () => running,
    // One after the other: two at a time would both take over from the same workers.
    reload() {
      const next = last.then(reloadNow);
      last = next.catch(() => undefined);
      return next;
    },
    settled: () => last,
  };
}
