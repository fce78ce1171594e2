import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Link, LinkEvents } from '../../src/gateway/modbus/link.ts';
import type {
  ModbusMaster,
  ReadFailure,
  ReadReply,
} from '../../src/gateway/modbus/modbus-master.ts';
import type { ReadRequest } from '../../src/gateway/modbus/pdu.ts';
import { encodeRtuRead, sealRtu } from '../../src/gateway/modbus/rtu.ts';
import { createRtuMaster, type RtuMasterSettings } from '../../src/gateway/modbus/rtu-master.ts';
import type { Result } from '../../src/model/result.ts';

/** The far end of a line in memory, on simulated time. */
interface Line {
  readonly master: ModbusMaster;
  readonly sent: { readonly atMs: number; readonly bytes: Buffer }[];
  readonly opens: () => number;
  /** Bytes that come from the line after so long. */
  receive(bytes: Uint8Array, inMs?: number): void;
  fail(reason: string): void;
}

const TIMEOUT_MS = 100;

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'setImmediate', 'performance', 'Date'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

async function openLine(over: Partial<RtuMasterSettings> = {}): Promise<Line> {
  const sent: Line['sent'] = [];
  let events: LinkEvents | undefined;
  let opens = 0;
  const open = (own: LinkEvents): Link => {
    opens += 1;
    events = own;
    setTimeout(() => own.onUp('line'), 1);
    return {
      write: (bytes) => sent.push({ atMs: performance.now(), bytes: Buffer.from(bytes) }),
      catchUp: () => new Promise((resolve) => setImmediate(resolve)),
      close: () => Promise.resolve(),
    };
  };
  const master = createRtuMaster({
    open,
    reconnectMsMin: 10,
    reconnectMsMax: 100,
    reopenMsMin: null,
    afterConnectMs: 0,
    frameGapMs: 4,
    echo: false,
    onState: () => undefined,
    ...over,
  });
  await vi.advanceTimersByTimeAsync(1);
  return {
    master,
    sent,
    opens: () => opens,
    receive: (bytes, inMs = 0) => void setTimeout(() => events?.onData(bytes), inMs),
    fail: (reason) => events?.onDown(reason),
  };
}

const request = (address: number, words = 1, unitId = 1): ReadRequest => ({
  unitId,
  table: 'holding',
  address,
  words,
});

const replyTo = ({ unitId, words }: ReadRequest, value: number): Buffer =>
  sealRtu(
    unitId,
    Buffer.from([
      3,
      words * 2,
      ...Array.from({ length: words }, () => [value >> 8, value & 255]).flat(),
    ]),
  );

/** Starts a read and gives its outcome as soon as it has one. */
function start(line: Line, asked: ReadRequest): { outcome: Result<ReadReply, ReadFailure> | null } {
  const holder: { outcome: Result<ReadReply, ReadFailure> | null } = { outcome: null };
  void line.master.read(asked, TIMEOUT_MS).then((outcome) => {
    holder.outcome = outcome;
  });
  return holder;
}

/** Passes time until a request has been put on the line. */
async function untilSent(line: Line, count: number): Promise<void> {
  for (let ms = 0; ms < 10_000 && line.sent.length < count; ms += 1) {
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(line.sent).toHaveLength(count);
}

/** A line on which one exchange has gone well, of a length that no other here has. */
async function usedLine(over: Partial<RtuMasterSettings> = {}): Promise<Line> {
  const line = await openLine(over);
  const asked = request(9, 30);
  const first = start(line, asked);
  await untilSent(line, 1);
  const reply = replyTo(asked, 1);
  line.receive(over.echo ? Buffer.concat([line.sent[0]!.bytes, reply]) : reply);
  await vi.advanceTimersByTimeAsync(10);
  expect(first.outcome).toMatchObject({ ok: true });
  return line;
}

describe('the RTU master', () => {
  it('asks nothing on a line it has just opened before a late reply to others had its time', async () => {
    const line = await openLine();
    const read = start(line, request(5));
    line.receive(replyTo(request(5), 666), 60);
    await untilSent(line, 1);
    expect(line.sent[0]!.atMs).toBeGreaterThanOrEqual(160);
    expect(line.sent[0]!.bytes).toEqual(encodeRtuRead(request(5)));
    line.receive(replyTo(request(5), 7));
    await vi.advanceTimersByTimeAsync(10);
    expect(read.outcome).toMatchObject({ value: { words: [7] } });
    expect(line.master.counters()).toMatchObject({ drainedBytes: 7, strayReplies: 1 });
  });

  it('takes a reply that comes byte by byte, and settles when the line falls silent', async () => {
    const line = await usedLine();
    const read = start(line, request(5, 2));
    await untilSent(line, 2);
    [...replyTo(request(5, 2), 7)].forEach((byte, i) => {
      line.receive(Buffer.from([byte]), i);
    });
    await vi.advanceTimersByTimeAsync(11);
    expect(read.outcome).toBeNull();
    await vi.advanceTimersByTimeAsync(4);
    expect(read.outcome).toMatchObject({ value: { words: [7, 7] } });
  });

  it('drains a late reply in its quarantine, counts it, and asks again only after silence', async () => {
    const line = await usedLine();
    const first = start(line, request(5));
    await untilSent(line, 2);
    line.receive(replyTo(request(5), 5), TIMEOUT_MS + 50);
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS + 60);
    expect(first.outcome).toBeNull();
    await vi.advanceTimersByTimeAsync(100);
    expect(first.outcome).toMatchObject({ ok: false, reason: 'timeout' });
    const next = start(line, request(6));
    await untilSent(line, 3);
    expect(line.sent[2]!.atMs - line.sent[1]!.atMs).toBeGreaterThanOrEqual(2 * TIMEOUT_MS + 50);
    line.receive(replyTo(request(6), 6));
    await vi.advanceTimersByTimeAsync(10);
    expect(next.outcome).toMatchObject({ value: { words: [6] } });
    expect(line.master.counters()).toMatchObject({ lateReplies: 1, drainedBytes: 7, timeouts: 1 });
  });

  it('waits for the second reply after a retry that the first, late one may have answered', async () => {
    const line = await usedLine();
    start(line, request(5));
    await vi.advanceTimersByTimeAsync(2 * TIMEOUT_MS + 10);
    const again = start(line, request(5));
    await untilSent(line, 3);
    line.receive(replyTo(request(5), 5), 10);
    line.receive(replyTo(request(5), 5), 60);
    await vi.advanceTimersByTimeAsync(20);
    expect(again.outcome).toMatchObject({ value: { words: [5] } });
    const next = start(line, request(6));
    await untilSent(line, 4);
    const waitedMs = line.sent[3]!.atMs - line.sent[2]!.atMs;
    expect(waitedMs).toBeGreaterThanOrEqual(60 + TIMEOUT_MS);
    // Not the whole second of a question that an unseen reply would pass for.
    expect(waitedMs).toBeLessThan(60 + 2 * TIMEOUT_MS);
    line.receive(replyTo(request(6), 6));
    await vi.advanceTimersByTimeAsync(10);
    expect(next.outcome).toMatchObject({ value: { words: [6] } });
    expect(line.master.counters()).toMatchObject({ lateReplies: 1, violations: 0 });
  });

  it('takes no copy of a reply, late in an adapter, for the reply to the next question', async () => {
    const line = await usedLine();
    start(line, request(5));
    await untilSent(line, 2);
    line.receive(replyTo(request(5), 5), 10);
    line.receive(replyTo(request(5), 5), 26);
    await vi.advanceTimersByTimeAsync(16);
    const next = start(line, request(6));
    await untilSent(line, 3);
    line.receive(replyTo(request(6), 6), 5);
    await vi.advanceTimersByTimeAsync(10);
    expect(next.outcome).toMatchObject({ value: { words: [6] } });
    expect(line.master.counters()).toMatchObject({ copies: 1, strayReplies: 0, violations: 0 });
  });

  it('takes no copy of a reply, however late, that comes when the next question is asked', async () => {
    const line = await usedLine();
    const first = start(line, request(5));
    await untilSent(line, 2);
    line.receive(replyTo(request(5), 5), 10);
    line.receive(replyTo(request(5), 5), 70);
    await vi.advanceTimersByTimeAsync(60);
    expect(first.outcome).toMatchObject({ value: { words: [5] } });
    const next = start(line, request(6));
    await untilSent(line, 3);
    // The copy is there; the reply itself follows, within its time.
    line.receive(replyTo(request(6), 6), 50);
    await vi.advanceTimersByTimeAsync(300);
    expect(next.outcome).toMatchObject({ ok: false, reason: 'violation' });
    const again = start(line, request(6));
    await untilSent(line, 4);
    line.receive(replyTo(request(6), 6));
    await vi.advanceTimersByTimeAsync(10);
    expect(again.outcome).toMatchObject({ value: { words: [6] } });
  });

  it('takes a reply that is the same as another one when nothing follows it', async () => {
    const line = await usedLine();
    start(line, request(5));
    await untilSent(line, 2);
    line.receive(replyTo(request(5), 5), 10);
    await vi.advanceTimersByTimeAsync(60);
    const next = start(line, request(6));
    await untilSent(line, 3);
    line.receive(replyTo(request(6), 5), 10);
    await vi.advanceTimersByTimeAsync(60);
    expect(next.outcome).toBeNull();
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 50);
    expect(next.outcome).toMatchObject({ value: { words: [5] } });
  });

  it('tells requests of another master from replies, and keeps what it heard', async () => {
    const line = await usedLine();
    const foreign = encodeRtuRead(request(40, 2, 7));
    line.receive(Buffer.concat([foreign, replyTo(request(40, 2, 7), 9)]));
    await vi.advanceTimersByTimeAsync(10);
    start(line, request(5));
    await untilSent(line, 2);
    expect(line.master.counters()).toMatchObject({ foreignRequests: 1, strayReplies: 1 });
    expect(line.master.exchanges().at(-1)).toMatchObject({
      request: null,
      reply: expect.stringContaining(foreign.toString('hex')),
      outcome: 'request of another master, reply to nobody',
    });
  });

  it('says that an adapter gives back what is sent to it, and takes that for no other master', async () => {
    const line = await usedLine();
    const read = start(line, request(5));
    await untilSent(line, 2);
    line.receive(line.sent[1]!.bytes.subarray(0, 3), 1);
    line.receive(line.sent[1]!.bytes.subarray(3), 2);
    line.receive(replyTo(request(5), 7), 20);
    await vi.advanceTimersByTimeAsync(300);
    expect(read.outcome).toMatchObject({
      reason: 'violation',
      detail: expect.stringContaining('set protocol.echo'),
    });
    const counts = { echoes: 1, foreignRequests: 0, strayReplies: 0, lateReplies: 1 };
    expect(line.master.counters()).toMatchObject(counts);
  });

  it('waits a whole second before a question that a reply it never saw would pass for', async () => {
    const line = await usedLine();
    start(line, request(5));
    await vi.advanceTimersByTimeAsync(2 * TIMEOUT_MS + 10);
    const other = start(line, request(6));
    line.receive(replyTo(request(5), 5), 700);
    await untilSent(line, 3);
    line.receive(replyTo(request(6), 6));
    await vi.advanceTimersByTimeAsync(10);
    expect(other.outcome).toMatchObject({ value: { words: [6] } });
    expect(line.master.counters().lateReplies).toBe(1);
  });

  const wrong: Readonly<Record<string, (asked: ReadRequest) => Buffer>> = {
    'of another unit': (asked) => replyTo({ ...asked, unitId: 2 }, 5),
    'of another function': ({ unitId }) => sealRtu(unitId, Buffer.from([4, 2, 0, 5])),
    'of another length': (asked) => replyTo({ ...asked, words: 2 }, 5),
    'with a wrong checksum': (asked) => {
      const reply = replyTo(asked, 5);
      reply[4] = reply[4]! ^ 1;
      return reply;
    },
    'with bytes after it': (asked) => Buffer.concat([replyTo(asked, 5), Buffer.from([0])]),
    'twice in a row': (asked) => Buffer.concat([replyTo(asked, 5), replyTo(asked, 5)]),
  };
  for (const [what, forge] of Object.entries(wrong)) {
    it(`takes no reply ${what}, and reads right after the line was silent`, async () => {
      const line = await usedLine();
      const read = start(line, request(5));
      await untilSent(line, 2);
      line.receive(forge(request(5)), 5);
      await vi.advanceTimersByTimeAsync(300);
      expect(read.outcome).toMatchObject({ ok: false, reason: 'violation' });
      expect(line.master.counters().violations).toBe(1);
      const next = start(line, request(5));
      await untilSent(line, 3);
      expect(line.sent[2]!.atMs - line.sent[1]!.atMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
      line.receive(replyTo(request(5), 7));
      await vi.advanceTimersByTimeAsync(10);
      expect(next.outcome).toMatchObject({ value: { words: [7] } });
    });
  }

  it('takes no reply whose end comes after the silence that ends a frame', async () => {
    const line = await usedLine();
    const read = start(line, request(5));
    await untilSent(line, 2);
    line.receive(replyTo(request(5), 5).subarray(0, 4), 5);
    await vi.advanceTimersByTimeAsync(300);
    expect(read.outcome).toMatchObject({ ok: false, reason: 'timeout' });
    expect(line.master.counters()).toMatchObject({ timeouts: 1, violations: 1 });
  });

  it('strips the echo of its request and nothing else', async () => {
    const line = await usedLine({ echo: true });
    const read = start(line, request(5));
    await untilSent(line, 2);
    line.receive(line.sent[1]!.bytes.subarray(0, 3), 1);
    line.receive(line.sent[1]!.bytes.subarray(3), 2);
    line.receive(replyTo(request(5), 7), 20);
    await vi.advanceTimersByTimeAsync(30);
    expect(read.outcome).toMatchObject({ value: { words: [7] } });
    const next = start(line, request(6));
    await untilSent(line, 3);
    line.receive(replyTo(request(6), 7), 1);
    await vi.advanceTimersByTimeAsync(300);
    expect(next.outcome).toMatchObject({ ok: false, reason: 'violation' });
  });

  it('opens a stream anew after a fault, and listens to it before the next request', async () => {
    const line = await usedLine({ reopenMsMin: 0, frameGapMs: 0 });
    expect(line.opens()).toBe(1);
    start(line, request(5));
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS + 10);
    expect(line.opens()).toBe(2);
    line.receive(replyTo(request(5), 5), 10);
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS + 20);
    start(line, request(6));
    await untilSent(line, 3);
    expect(line.sent[2]!.atMs - line.sent[1]!.atMs).toBeGreaterThanOrEqual(2 * TIMEOUT_MS + 10);
    expect(line.master.counters()).toMatchObject({ connects: 2, lateReplies: 1 });
  });

  it('gives up a line that is never silent, and opens it again', async () => {
    const line = await usedLine();
    const chatter = setInterval(() => line.receive(Buffer.from([0x55])), 20);
    const read = start(line, request(5));
    await vi.advanceTimersByTimeAsync(5_300);
    clearInterval(chatter);
    expect(read.outcome).toMatchObject({ ok: false, reason: 'violation' });
    await vi.advanceTimersByTimeAsync(100);
    expect(line.opens()).toBe(2);
  });

  it('settles once when the line fails, when it is closed, and when nobody is there', async () => {
    const line = await usedLine();
    const failed = start(line, request(5));
    await untilSent(line, 2);
    line.fail('unplugged');
    await vi.advanceTimersByTimeAsync(0);
    expect(failed.outcome).toMatchObject({ ok: false, reason: 'lost', detail: 'unplugged' });
    expect(await line.master.read(request(5), TIMEOUT_MS)).toMatchObject({ reason: 'down' });
    await vi.advanceTimersByTimeAsync(200);
    const closed = start(line, request(5));
    await untilSent(line, 3);
    await line.master.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(closed.outcome).toMatchObject({ ok: false, reason: 'lost' });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(line.opens()).toBe(2);
  });
});
