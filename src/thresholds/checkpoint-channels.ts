import type { Verdict } from '../model/exposure.ts';
import type { DeviceId, MetricName } from '../model/ids.ts';
import {
  type ByteReader,
  type ByteWriter,
  createByteReader,
  createByteWriter,
} from './byte-writer.ts';
import { addChannel, type Channel, type EngineState, type RuleState } from './engine-state.ts';
import type { RuleProgress } from './rule-progress.ts';

/** How each member of a rule's state is written; a new member doesn't compile without. */
type RuleMember = Exclude<keyof RuleState, 'channel' | 'definition' | 'progress' | 'ordered'>;
const RULE_MEMBERS = {
  resultKey: 'text',
  startMs: 'number',
  endMs: 'number',
  tableStartMs: 'number',
  isOrphan: 'flag',
  revision: 'number',
  resultHash: 'text',
  verdict: 'verdict',
  isAccused: 'flag',
  obstacles: 'text',
  hasWarned: 'flag',
  isClosed: 'flag',
  lastDatumAtMs: 'number',
  dirtyAtMs: 'number',
  evaluatedAtMs: 'number',
  isPromising: 'flag',
  tryFrom: 'number',
  restsUntil: 'number',
} as const satisfies Record<RuleMember, 'text' | 'number' | 'flag' | 'verdict'>;

const MEMBERS = Object.entries(RULE_MEMBERS) as readonly (readonly [
  RuleMember,
  (typeof RULE_MEMBERS)[RuleMember],
])[];

const VERDICTS: readonly (Verdict | null)[] = [
  null,
  'exceeded',
  'suspected',
  'borderline',
  'within',
  'indeterminate',
];

const CHANNEL_NUMBERS = [
  'watermarkMs',
  'lastReceivedAtMs',
  'firstMinute',
  'closedThrough',
  'droppedBefore',
  'lateMinute',
  'touchedPos',
] as const satisfies readonly (keyof Channel)[];

/** Every channel in its order, with its rules; cells stand elsewhere. */
export function writeChannels(state: EngineState): Uint8Array {
  const writer = createByteWriter();
  const numbers = new Map([...state.gateways.values()].map((gateway, i) => [gateway, i]));
  for (const channel of state.channels) {
    writer.u32(numbers.get(channel.gateway)!);
    writer.text(channel.device);
    writer.text(channel.metric);
    for (const name of CHANNEL_NUMBERS) writer.f64(channel[name]);
    writer.u8(channel.needsRescan ? 1 : 0);
    writer.u32(channel.rules.length);
    for (const rule of channel.rules) writeRule(writer, rule);
  }
  return writer.bytes();
}

function writeRule(writer: ByteWriter, rule: RuleState): void {
  for (const [name, kind] of MEMBERS) {
    const value = rule[name];
    if (kind === 'text') writer.text(value as string);
    else if (kind === 'flag') writer.u8(value === true ? 1 : 0);
    else if (kind === 'verdict') writer.u8(VERDICTS.indexOf(value as Verdict | null));
    else writer.f64((value as number | null) ?? Number.NaN);
  }
  // Of a shift that the facts know no more, what it was can't be looked up.
  writer.text(rule.isOrphan ? JSON.stringify(rule.definition) : '');
  writeProgress(writer, rule.progress);
  writeProgress(writer, rule.ordered);
}

function writeProgress(writer: ByteWriter, progress: RuleProgress | null): void {
  writer.u8(progress === null ? 0 : 1);
  if (progress === null) return;
  const { startMinute, length, contactMinutes, through, width, sums, recent } = progress;
  for (const value of [startMinute, length, contactMinutes, through, width]) writer.f64(value);
  for (const list of [sums, recent]) {
    writer.u32(list.length);
    for (const value of list) writer.f64(value);
  }
}

/** Adds the channels that `writeChannels` wrote; the gateways are there, in the same order. */
export function readChannels(state: EngineState, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  const gateways = [...state.gateways.values()];
  while (!reader.isAtEnd) {
    const gateway = gateways[reader.u32()]!;
    const device = reader.text() as DeviceId;
    const channel = addChannel(state, gateway, device, reader.text() as MetricName);
    for (const name of CHANNEL_NUMBERS) channel[name] = reader.f64();
    channel.needsRescan = reader.u8() === 1;
    for (let left = reader.u32(); left > 0; left--) {
      const rule = readRule(reader, channel);
      channel.rules.push(rule);
      state.rules.set(rule.resultKey, rule);
    }
  }
}

function readRule(reader: ByteReader, channel: Channel): RuleState {
  const members: Record<string, unknown> = {};
  for (const [name, kind] of MEMBERS) {
    if (kind === 'text') members[name] = reader.text();
    else if (kind === 'flag') members[name] = reader.u8() === 1;
    else if (kind === 'verdict') members[name] = VERDICTS[reader.u8()] ?? null;
    else members[name] = reader.f64();
  }
  const read = members as Pick<RuleState, RuleMember>;
  const definition = reader.text();
  return {
    ...read,
    dirtyAtMs: Number.isNaN(read.dirtyAtMs) ? null : read.dirtyAtMs,
    channel,
    definition: definition === '' ? null : JSON.parse(definition),
    progress: readProgress(reader),
    ordered: readProgress(reader),
  };
}

function readProgress(reader: ByteReader): RuleProgress | null {
  if (reader.u8() === 0) return null;
  const [startMinute, length, contactMinutes, through, width] = readNumbers(reader, 5);
  return {
    startMinute: startMinute!,
    length: length!,
    contactMinutes: contactMinutes!,
    through: through!,
    width: width!,
    sums: readNumbers(reader, reader.u32()),
    recent: readNumbers(reader, reader.u32()),
    reading: null,
  };
}

const readNumbers = (reader: ByteReader, count: number): number[] =>
  Array.from({ length: count }, () => reader.f64());
