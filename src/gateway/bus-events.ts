import { HOUR_MS } from '../model/time.ts';
import type { Logger } from '../process/log.ts';
import type { HealthState } from './device-health.ts';
import { createFlapDamper } from './flap-damper.ts';
import type { ForeignMaster } from './foreign-watch.ts';
import type { Exchange } from './modbus/exchange-log.ts';
import type { PolledDevice } from './polled-device.ts';

/** The same notice is told again after so long. */
const NOTICE_MS_MIN = HOUR_MS;
/** With so many different ones remembered they are forgotten. */
const NOTICES_MAX = 1_000;
/** Exchanges that stand beside a fault in the log. */
const EXCHANGES_SHOWN = 3;

/** What the operator of a bus is told, in the log: changes, each once, with what led to them. */
export interface BusEvents {
  connection(state: 'up' | 'down', reason: string): void;
  health(device: PolledDevice, before: HealthState, reason: string): void;
  foreign(state: ForeignMaster): void;
  path(isDown: boolean): void;
  notice(device: string, detail: string): void;
}

const FOREIGN_TEXT = {
  certain:
    'FOREIGN_MASTER: somebody else asks on this line; its readings are flagged D until it goes',
  suspected: 'more than 1 % wrong checksums: bad wiring, or another master on this line',
  none: 'no sign of another master any more',
} as const satisfies Record<ForeignMaster, string>;

export function createBusEvents(settings: {
  readonly log: Logger;
  readonly exchanges: () => readonly Exchange[];
}): BusEvents {
  const { log } = settings;
  const links = createFlapDamper();
  const notices = new Map<string, number>();
  let lastLink = '';
  let lastForeign: ForeignMaster = 'none';

  const shown = (): object[] => settings.exchanges().slice(-EXCHANGES_SHOWN);

  return {
    connection(state, reason) {
      // A place that refuses each attempt with the same words says nothing new.
      if (`${state} ${reason}` === lastLink) return;
      lastLink = `${state} ${reason}`;
      const what = links.edge(performance.now());
      if (what === 'tell') log.info({ state, reason }, 'modbus connection');
      if (what === 'flapping') log.warn({ reason }, 'modbus connection comes and goes');
    },
    health({ config, damper, health }, before, reason) {
      const { device } = config;
      const what = damper.edge(performance.now());
      if (what === 'hush') return;
      if (what === 'flapping') {
        log.warn({ device, reason, exchanges: shown() }, 'flapping: told again when it is steady');
        return;
      }
      const isBad = health.state !== 'HEALTHY';
      const beside = isBad ? { exchanges: shown() } : {};
      log.info({ device, reason, ...beside }, `${before} => ${health.state}`);
    },
    foreign(state) {
      if (state === lastForeign) return;
      lastForeign = state;
      const level = state === 'certain' ? 'error' : state === 'suspected' ? 'warn' : 'info';
      log[level]({ exchanges: shown() }, FOREIGN_TEXT[state]);
    },
    path(isDown) {
      if (isDown) log.warn('the converter says that it can not reach its line: see its settings');
      else log.info('the converter reaches its line again');
    },
    notice(device, detail) {
      const key = `${device} ${detail}`;
      const nowMs = performance.now();
      if (nowMs - (notices.get(key) ?? Number.NEGATIVE_INFINITY) < NOTICE_MS_MIN) return;
      if (notices.size >= NOTICES_MAX) notices.clear();
      notices.set(key, nowMs);
      log.warn({ device, detail }, 'device');
    },
  };
}
