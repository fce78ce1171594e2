import { encodeFrame } from '../../../src/telemetry/hj212/encode-frame.ts';

export const MN = '010000A8900016F000169DC0';

/** A frame as a device of 2017 sends it; `text` is CP. */
export function frameOf(
  text: string,
  {
    cn = '2011',
    st = '39',
    qn = '20261124080005123',
    flag = '5',
    mn = MN,
    more = '',
  }: { cn?: string; st?: string; qn?: string; flag?: string; mn?: string; more?: string } = {},
): Buffer {
  return encodeFrame(
    `QN=${qn};ST=${st};CN=${cn};PW=123456;MN=${mn};Flag=${flag};${more}CP=&&${text}&&`,
  );
}

/** The same with another text in its place, and length and CRC as they were. */
export const altered = (frame: Buffer, from: string | RegExp, to: string): Buffer =>
  Buffer.from(frame.toString('latin1').replace(from, to), 'latin1');
