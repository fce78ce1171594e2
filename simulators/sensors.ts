import { type Clock, MINUTE_MS, SECOND_MS } from '../src/model/time.ts';
import type { Logger } from '../src/process/log.ts';
import { EXCEPTION, type RegisterRequest, startModbusServer } from './modbus-server.ts';
import { recordingShelf, seriesOf } from './played-series.ts';
import { readRecording } from './recordings/reader.ts';
import { wordCountOf, writeRegisters } from './registers.ts';
import type { RegisterSpec, Scenario, UnitSpec } from './scenario.ts';
import type { Series } from './series.ts';

export interface Sensors {
  /** Port of each bus, by the bus's name. */
  readonly ports: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

interface PlayedRegister {
  readonly spec: RegisterSpec;
  readonly series: Series;
}

interface PlayedUnit {
  readonly spec: UnitSpec;
  /** By table and address of the first word. */
  readonly registers: ReadonlyMap<string, PlayedRegister>;
}

const placeOf = (table: string, address: number): string => `${table}:${address}`;

/**
 * Starts one Modbus TCP server per bus of the scenario, on 127.0.0.1. A request at virtual time t
 * is answered with the values of the second that t lies in. Throws when a port is taken
 * (EADDRINUSE).
 */
export async function startSensors(
  scenario: Scenario,
  options: { readonly clock: Clock; readonly anchorMs: number; readonly log: Logger },
): Promise<Sensors> {
  const { clock, anchorMs, log } = options;
  const recordingOf = recordingShelf(readRecording);
  const ports: Record<string, number> = {};
  const closes: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(closes.splice(0).map((closeBus) => closeBus()));
  };
  try {
    for (const bus of scenario.buses) {
      const units = new Map<number, PlayedUnit>();
      for (const spec of bus.units) {
        const registers = new Map<string, PlayedRegister>();
        for (const register of spec.registers) {
          const series = seriesOf(register.series, anchorMs, recordingOf);
          const place = placeOf(register.table, register.address);
          registers.set(place, { spec: register, series });
        }
        units.set(spec.unit, { spec, registers });
      }
      const server = await startModbusServer({ host: '127.0.0.1', port: bus.port }, (request) => {
        const timeMs = Math.floor(clock.now() / SECOND_MS) * SECOND_MS;
        return answerOf(units.get(request.unit), request, timeMs, anchorMs);
      });
      closes.push(server.close);
      ports[bus.bus] = server.port;
      log.info({ bus: bus.bus, port: server.port, units: units.size }, 'sensors are listening');
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { ports, close };
}

/** The fault that a unit has at a time, or none. */
const faultAt = (unit: UnitSpec, sinceAnchorMs: number): 'silent' | 'device-failure' | null =>
  unit.faults.find(
    (fault) =>
      sinceAnchorMs >= fault.fromMinute * MINUTE_MS && sinceAnchorMs < fault.toMinute * MINUTE_MS,
  )?.kind ?? null;

/** A unit that is not there keeps silent, as on a real bus. */
function answerOf(
  unit: PlayedUnit | undefined,
  request: RegisterRequest,
  timeMs: number,
  anchorMs: number,
) {
  if (unit === undefined) return null;
  const fault = faultAt(unit.spec, timeMs - anchorMs);
  if (fault === 'silent') return null;
  if (fault === 'device-failure') return EXCEPTION.deviceFailure;
  const reply = Buffer.alloc(request.count * 2);
  let word = 0;
  while (word < request.count) {
    const register = unit.registers.get(placeOf(request.table, request.address + word));
    // Also when a request would cut a value in two.
    if (register === undefined) return EXCEPTION.illegalDataAddress;
    const words = wordCountOf(register.spec.type);
    if (word + words > request.count) return EXCEPTION.illegalDataAddress;
    writeRegisters(reply, word * 2, register.spec, register.series(timeMs));
    word += words;
  }
  return reply;
}
