import { z } from 'zod';
import {
  Certificate,
  Crew,
  Device,
  Enterprise,
  type EntityKind,
  Gateway,
  LimitConfirmation,
  Mark,
  Point,
  Post,
} from '../model/facts.ts';

/** An instant as people write it: ISO 8601 with its offset; read as UTC ms. */
export const IsoInstant = z.iso
  .datetime({ offset: true, error: 'expected an ISO 8601 instant with its offset' })
  .transform((text) => Date.parse(text))
  .pipe(z.int().min(0, 'expected an instant after 1970'));

/** When an entity's own word begins to hold, if not with the file. */
const from = IsoInstant.optional();

const CertificateInFile = Certificate.omit({ fromMs: true, untilMs: true })
  .extend({ from: IsoInstant, until: IsoInstant })
  .transform(({ from: fromMs, until: untilMs, ...rest }) => ({ ...rest, fromMs, untilMs }));

const MarkInFile = Mark.omit({ fromMs: true, toMs: true })
  .extend({ from: IsoInstant, to: IsoInstant })
  .transform(({ from: fromMs, to: toMs, ...rest }) => ({ ...rest, fromMs, toMs }));

/**
 * The list under which each kind of entity stands in `registry.yaml`, and the schema of its items.
 */
export const LISTS = {
  enterprises: { kind: 'enterprise', key: 'uscc', schema: Enterprise.extend({ from }) },
  posts: { kind: 'post', key: 'id', schema: Post.extend({ from }) },
  crews: { kind: 'crew', key: 'id', schema: Crew.extend({ from }) },
  points: { kind: 'point', key: 'id', schema: Point.extend({ from }) },
  gateways: { kind: 'gateway', key: 'id', schema: Gateway.extend({ from }) },
  devices: {
    kind: 'device',
    key: 'id',
    schema: Device.extend({ from, certificate: CertificateInFile.nullable().default(null) }),
  },
  marks: { kind: 'mark', key: 'id', schema: MarkInFile },
  limitConfirmations: {
    kind: 'limitConfirmation',
    key: 'id',
    schema: LimitConfirmation.extend({ from }),
  },
} as const satisfies Record<string, { kind: EntityKind; key: string; schema: z.ZodType }>;

export type ListName = keyof typeof LISTS;
export const LIST_NAMES = Object.keys(LISTS) as ListName[];

const items = z.array(z.unknown()).default([]);

/** The top level of the file; the items of the lists are checked one by one. */
export const RegistryTop = z.strictObject({
  effectiveFrom: IsoInstant,
  /** Id of the limit set that judges. */
  limits: z.string().min(1),
  enterprises: items,
  posts: items,
  crews: items,
  points: items,
  gateways: items,
  devices: items,
  marks: items,
  limitConfirmations: items,
});
