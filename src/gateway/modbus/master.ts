import type { BusConfig } from '../bus-config.ts';
import { inFlightMaxOf } from '../read-cost.ts';
import { createMbapMaster } from './mbap-master.ts';
import type { MasterEvents, ModbusMaster } from './modbus-master.ts';
import { frameGapMs } from './rtu.ts';
import { createRtuMaster } from './rtu-master.ts';
import { serialLink } from './serial-link.ts';
import { tcpLink } from './tcp-link.ts';

/** The master of a bus, by its transport. It begins to connect at once. */
export function createMaster(bus: BusConfig, events: MasterEvents): ModbusMaster {
  const { reconnectMsMin, reconnectMsMax } = bus;
  const protocols = bus.devices.map(({ protocol }) => protocol);
  const shared = {
    ...events,
    reconnectMsMin,
    reconnectMsMax,
    afterConnectMs: Math.max(...protocols.map(({ afterConnectMs }) => afterConnectMs)),
  };
  if (bus.transport === 'tcp') {
    const inFlightMax = inFlightMaxOf(bus);
    const aliases = new Map(
      bus.devices.map(({ unitId, protocol }) => [unitId, protocol.unitAliases] as const),
    );
    const aliasesOf = (unitId: number): readonly number[] => aliases.get(unitId) ?? [];
    return createMbapMaster({ ...shared, open: tcpLink(bus), inFlightMax, aliasesOf });
  }
  const echo = protocols.some((protocol) => protocol.echo);
  if (bus.transport === 'rtu') {
    const open = serialLink(bus);
    return createRtuMaster({
      ...shared,
      open,
      echo,
      reopenMsMin: null,
      frameGapMs: frameGapMs(bus),
    });
  }
  const { reopenMsMin } = bus;
  return createRtuMaster({ ...shared, open: tcpLink(bus), echo, reopenMsMin, frameGapMs: 0 });
}
