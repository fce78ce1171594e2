import { readBuses } from '../src/gateway/config.ts';
import type { RegisterSpan } from '../src/gateway/point-types.ts';
import { probeDevice } from '../src/gateway/probe.ts';
import { probeLines } from '../src/gateway/probe-text.ts';
import { ConfigError } from '../src/process/config-file.ts';

/** `wugan gateway probe`: reads a device once and shows what its registers come to. */
export async function runProbe(options: {
  config: string;
  device: string;
  read: RegisterSpan[];
}): Promise<void> {
  const known = readBuses(options.config).flatMap((bus) =>
    bus.devices.map((device) => ({ bus, device })),
  );
  const found = known.find(({ device }) => device.device === options.device);
  if (found === undefined) {
    const names = known.map(({ device }) => device.device).join(', ');
    throw new ConfigError(options.config, [`has no device ${options.device}; it has ${names}`]);
  }
  const { bus, device } = found;
  const probed = await probeDevice(bus, device, options.read);
  if (!probed.ok) {
    const advice = 'a gateway that runs may hold it: stop it first';
    throw new ConfigError(options.config, [
      `bus ${bus.id}: no connection (${probed.detail}); ${advice}`,
    ]);
  }
  console.log(`${device.device}, unit ${device.unitId} on bus ${bus.id}`);
  for (const line of probeLines(probed.value)) console.log(line);
}
