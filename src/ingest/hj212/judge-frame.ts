import { BlockList, isIPv6 } from 'node:net';
import type { Hj212Logger } from '../../devices/hj212-stations.ts';
import { type DeviceAnswer, readAnswer, roleOf } from '../../telemetry/hj212/answer-frame.ts';
import { readSegment } from '../../telemetry/hj212/decode-frame.ts';
import type { Header, Segment } from '../../telemetry/hj212/parse-segment.ts';
import type { Hj212Reason } from '../../telemetry/hj212/reading-reasons.ts';

/**
 * What a frame is. `stray`: nobody registered vouches for it, so it is put aside and not answered (a wrong
 * CRC is never answered, HJ 212-2017 6.6.5). `answer`: to a command of a host, of which we send none.
 */
export type JudgedFrame =
  | { readonly kind: 'stray'; readonly reason: Hj212Reason; readonly detail: string }
  | { readonly kind: 'answer'; readonly answer: DeviceAnswer; readonly mn: string }
  | { readonly kind: 'notice'; readonly header: Header }
  | { readonly kind: 'data'; readonly frame: DataFrame };

/** A sound frame of a registered device. */
export interface DataFrame {
  readonly raw: Buffer;
  readonly segment: Segment;
  /** Deciphered blocks; null: it came in clear. */
  readonly plain: string | null;
  readonly logger: Hj212Logger;
}

export interface Judges {
  readonly logger: (mn: string) => Hj212Logger | undefined;
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

/**
 * Opens a frame and finds whose it is.
 *
 * @param address where it came from; null: it was looked at before
 */
export function judgeFrame(
  raw: Buffer,
  address: string | null,
  { logger, keys }: Judges,
): JudgedFrame {
  const named = /;MN=([^;&]*)/i.exec(raw.toString('latin1'))?.[1] ?? '';
  const read = readSegment(raw, { key: keys.get(named) });
  if (!read.ok) return { kind: 'stray', reason: read.reason, detail: read.detail };
  const { plain, ...segment } = read.value;
  const { header, region } = segment;
  const found = logger(header.mn);
  if (found === undefined) {
    const detail = `MN: expected one of a registered gateway, found ${header.mn.slice(0, 64)}`;
    return { kind: 'stray', reason: 'hj212-unknown-mn', detail };
  }
  if (address !== null && !mayCome(found, address)) {
    const detail = `expected an address of gateway ${found.gateway.id}, found ${address}`;
    return { kind: 'stray', reason: 'hj212-other-address', detail };
  }
  switch (roleOf(header.cn)) {
    case 'answer':
      return { kind: 'answer', answer: readAnswer(header, region.fields), mn: header.mn };
    case 'notice':
      return { kind: 'notice', header };
    case 'data':
      return { kind: 'data', frame: { raw, segment, plain, logger: found } };
  }
}

const listsByLogger = new WeakMap<Hj212Logger, BlockList>();

function mayCome(logger: Hj212Logger, address: string): boolean {
  const { addresses = [] } = logger.gateway.hj212 ?? {};
  if (addresses.length === 0) return true;
  let list = listsByLogger.get(logger);
  if (list === undefined) {
    list = new BlockList();
    for (const text of addresses) {
      const [net = '', bits] = text.split('/');
      const family = isIPv6(net) ? 'ipv6' : 'ipv4';
      if (bits === undefined) list.addAddress(net, family);
      else list.addSubnet(net, Number(bits), family);
    }
    listsByLogger.set(logger, list);
  }
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
