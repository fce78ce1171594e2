import { z } from 'zod';
import { DeviceId } from '../model/ids.ts';
import { budgetFaults } from './bus-budget.ts';
import { BUS_SHAPES, mediumOf } from './bus-transport.ts';
import { DeviceProtocol } from './device-protocol.ts';
import { PointConfig } from './point-config.ts';
import { deviceFaults } from './template.ts';

const Ms = z.int().min(1);
export const WholeSecondsMs = z
  .int()
  .min(1_000)
  .max(3_600_000)
  .multipleOf(1_000, 'expected whole seconds');

const DeviceConfig = z
  .strictObject({
    /** The registry's id. */
    device: DeviceId,
    unitId: z.int().min(0).max(255).default(1),
    periodMs: WholeSecondsMs.default(1_000),
    /**
     * Reads so often within a period of one second; its value is made by each point's `averaging`. A
     * divisor of 1,000: the poll grid has the whole seconds in it.
     */
    pollMs: z
      .int()
      .min(50)
      .max(500)
      .refine((ms) => 1_000 % ms === 0, 'expected a divisor of 1000: 50, 100, 125, 200, 250, 500')
      .optional(),
    /** How long a reply may take; the next device of the bus waits that long for a dead one. */
    timeoutMs: Ms.max(60_000).default(400),
    /** Registers between points that are read along; left out, what the template says. */
    gapWordsMax: z.int().min(0).max(124).optional(),
    /** `name@version#hash`, for the batch's meta; filled in from `templateFile`. */
    template: z.string().max(80).optional(),
    /** How the model wants to be asked; filled in from `templateFile`. */
    protocol: DeviceProtocol.prefault({}),
    /** At most 500: a frame of them fits into a batch whatever its names and values. */
    points: z.array(PointConfig).min(1).max(500),
  })
  .superRefine((device, ctx) => {
    for (const { path, message } of deviceFaults(device.points, device.protocol)) {
      ctx.addIssue({ code: 'custom', path: [...path], message });
    }
    if (device.pollMs !== undefined && device.periodMs !== 1_000) {
      const message = 'several reads make the value of one second: expected a periodMs of 1000';
      ctx.addIssue({ code: 'custom', path: ['pollMs'], message });
    }
  });
export type DeviceConfig = z.infer<typeof DeviceConfig>;

const devices = z.array(DeviceConfig).min(1);

/** One physical medium. It carries one transaction at a time, unless a TCP device allows more. */
const BusConfig = z.discriminatedUnion('transport', [
  z.strictObject({ ...BUS_SHAPES.tcp, devices }),
  z.strictObject({ ...BUS_SHAPES['rtu-over-tcp'], devices }),
  z.strictObject({ ...BUS_SHAPES.rtu, devices }),
]);
export type BusConfig = z.infer<typeof BusConfig>;

/** Modes of a template by the transport of a bus. */
const MODE_OF = { tcp: 'mbap', rtu: 'rtu', 'rtu-over-tcp': 'rtu-over-tcp' } as const;

/** All names of templates stand in the header of each batch. */
const TEMPLATE_NAMES_LENGTH_MAX = 2_000;

/** All media of a gateway, and what makes them impossible together. */
export const Buses = z
  .array(BusConfig)
  .min(1)
  .superRefine((buses, ctx) => {
    const refuse = (path: PropertyKey[], message: string): void =>
      ctx.addIssue({ code: 'custom', path, message });
    const seen = new Set<string>();
    const once = (key: string, path: PropertyKey[], what: string): void => {
      if (seen.has(key)) refuse(path, what);
      seen.add(key);
    };
    const templates = buses.flatMap(({ devices }) =>
      devices.flatMap(({ template }) => template ?? []),
    );
    if ([...new Set(templates)].join().length > TEMPLATE_NAMES_LENGTH_MAX) {
      refuse([], `more than ${TEMPLATE_NAMES_LENGTH_MAX} characters of template names`);
    }
    for (const [b, bus] of buses.entries()) {
      once(`bus ${bus.id}`, [b, 'id'], 'is used twice');
      const [key, medium] =
        bus.transport === 'rtu' ? ['path', 'serial port'] : ['port', 'host and port'];
      const isOneBus = `one ${medium} is one bus: put its devices together`;
      once(mediumOf(bus), [b, key], isOneBus);
      for (const fault of budgetFaults(bus)) refuse([b, 'devices'], fault);
      for (const [d, device] of bus.devices.entries()) {
        const { modes } = device.protocol;
        if (modes !== undefined && !modes.includes(MODE_OF[bus.transport])) {
          const known = `${device.template ?? 'its protocol'} knows ${modes.join(', ')}`;
          refuse([b, 'devices', d], `${known}, not ${bus.transport}`);
        }
        once(`device ${device.device}`, [b, 'devices', d, 'device'], 'is used twice');
      }
    }
  });
