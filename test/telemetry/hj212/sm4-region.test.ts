import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSegment } from '../../../src/telemetry/hj212/decode-frame.ts';
import { encodeFrame } from '../../../src/telemetry/hj212/encode-frame.ts';
import { openRegion, sealRegion } from '../../../src/telemetry/hj212/sm4-region.ts';
import { decode, valuesOf } from './decode.ts';
import { contextOf } from './reading.ts';

const KEY = Buffer.alloc(16, 0x30);
const HEADER =
  'QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&';
const WHOLE_BLOCKS =
  'DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;' +
  'a01012-Min=9.3,a01012-Avg=9.3,a01012-Max=9.3,a01012-Flag=N;' +
  'a01014-Min=3.20,a01014-Avg=3.211,a01014-Max=3.212,a01014-Flag=N';
const WITH_TAIL =
  'DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;' +
  'a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N';

/** Bytes of the examples printed in HJ 212-2025, A.2. */
const WHOLE_CIPHER =
  'E43E159ACFAB242CB53155FB8B9281A1A242577ABFAED881BE88B72D69FC55ED1A80119FAAC8B3CD33D285CC76F57F2C' +
  'A7F88B9573C6647E0F07E24609BD6B63EB20C5B9784F28E71D2F4994FF61D9E1C2B3075592B4D1E09C4D8BB27BE97B55' +
  '9E3DA6643781A6F477769DEEB009B10DFFF3426922725D607DC4480F0CAC5F70DB2587B124BCB281592721D6E4BC180A' +
  '97E5E111499CBE822E31C8D7761553543AA24207C290997BBDE64F9266BC5F529A172E381C1D898CA1A0D771A914A7B2' +
  'D7467C70B94F1D4A7B0350A48DBF8B41';
const TAIL_CIPHER =
  'E43E159ACFAB242CB53155FB8B9281A1A242577ABFAED881BE88B72D69FC55ED1A80119FAAC8B3CD33D285CC76F57F2C' +
  'A7F88B9573C6647E0F07E24609BD6B63EB20C5B9784F28E71D2F4994FF61D9E13B391A1D2A454B65388D5D9435DBF021' +
  '528C7BF9755EF16518710C0CAC0ADEF9C5156CD0A5A17674AC0ED2ABC40023E9EF70128554B82438E91ADCE98A0D03A4';

const printed = (hex: string): string =>
  `{${(hex.match(/../g) as string[]).map((byte) => `0x${byte}`).join(',')}}`;
/** As the standard prints it: the length and the CRC are those of the plain text. */
const sent = (region: string, length: string, crc: string): Buffer =>
  Buffer.from(`##${length}${HEADER}${region}&&${crc}\r\n`);
const FRAMES = [
  ['whole blocks', WHOLE_BLOCKS, sent(printed(WHOLE_CIPHER), '0295', '2200')],
  ['a tail in clear', WITH_TAIL, sent(`${printed(TAIL_CIPHER)}g=N`, '0234', 'B541')],
] as const;

describe('an encrypted region (HJ 212-2025 A.2)', () => {
  it.each(FRAMES)('is read as its plain text: %s', (_name, region, frame) => {
    const plainFrame = encodeFrame(`${HEADER}${region}&&`);
    const read = readSegment(frame, { key: KEY });
    const plain = readSegment(plainFrame, {});
    if (!read.ok || !plain.ok) throw new Error('not read');
    expect(read.value).toMatchObject({ header: plain.value.header, region: plain.value.region });
    expect(read.value.deviations).toEqual([]);
  });

  it.each(FRAMES)('is sealed as the standard prints it: %s', (_name, region, frame) => {
    expect(`${HEADER}${sealRegion(region, KEY)}&&`).toBe(frame.toString().slice(6, -6));
  });

  it('is read again from what was deciphered, without the key', () => {
    const [, , frame] = FRAMES[1];
    const read = readSegment(frame, { key: KEY });
    if (!read.ok || read.value.plain === null) throw new Error('not read');
    expect(WITH_TAIL.startsWith(read.value.plain)).toBe(true);
    const context = { ...contextOf(['a01014']), edition: 2025 as const, plain: read.value.plain };
    expect(valuesOf(frame, context)).toEqual({ 'a01014-minute': [3.2, 'N'] });
    expect(decode(frame, contextOf(['a01014']))).toMatchObject({ reason: 'hj212-cipher' });
  });

  it('of another key fits no CRC', () => {
    const read = readSegment(FRAMES[0][2], { key: Buffer.alloc(16, 0x31) });
    expect(read).toMatchObject({ ok: false, reason: 'hj212-crc' });
  });

  it.each([
    '{0x}',
    '{0xE4}',
    '{0xE4,',
    '{0xE4,0x3E,0x15}',
    '{0xZZ}',
    `{0x00${',0x00'.repeat(16)}}`,
  ])('that is no region is refused: %s', (region) => {
    const read = readSegment(sent(region, '0100', '0000'), { key: KEY });
    expect(read).toMatchObject({ ok: false, reason: 'hj212-cipher' });
  });

  it('comes back for every text', () => {
    const text = fc.string({
      unit: fc.integer({ min: 32, max: 255 }).map((c) => String.fromCharCode(c)),
    });
    fc.assert(
      fc.property(text, fc.uint8Array({ minLength: 16, maxLength: 16 }), (region, key) => {
        fc.pre(!region.startsWith('{0x'));
        const opened = openRegion(`CP=&&${sealRegion(region, key)}&&`, { key });
        expect(opened).toMatchObject({ ok: true, value: { segment: `CP=&&${region}&&` } });
      }),
    );
  });
});
