import { createRandom } from '../../simulators/seeded-random.ts';
import { openSpool } from '../../src/gateway/spool.ts';
import { DeviceId, GatewayId } from '../../src/model/ids.ts';
import { generateKeyPem, signingKeyFromPem } from '../../src/telemetry/signing.ts';

/**
 * Fills a spool on a disk that is smaller than the spool may be, with bytes that can't be compressed, and
 * prints what is in it then.
 */
const [file = '', megabytes = ''] = process.argv.slice(2);
const BATCH_BYTES = 20_000;
const random = createRandom(3);
const noise = Buffer.from(Array.from({ length: 4 * BATCH_BYTES }, () => 33 + random() * 90));

const spool = openSpool({
  file,
  gateway: GatewayId.parse('gw-test'),
  key: signingKeyFromPem(generateKeyPem()),
  bytesMax: 1e12,
  ageMsMax: 1e12,
  sealEveryBatches: 1_000_000,
  nowMs: 0,
  isClockWatched: false,
  faultPoint: () => undefined,
});
spool.lookAtDisk();
const count = Math.ceil((Number(megabytes) * 1e6) / BATCH_BYTES);
for (let i = 1; i <= count; i += 1) {
  const from = Math.floor(random() * 3 * BATCH_BYTES);
  const fill = noise
    .toString('latin1', from, from + BATCH_BYTES)
    .split('')
    .reverse()
    .join('');
  spool.append({
    createdAtMs: i * 1_000,
    encode: (link) => Buffer.from(JSON.stringify({ ...link, fill, i: random() })),
    positions: new Map([[DeviceId.parse('d'), i * 1_000]]),
  });
}
const kinds: Record<string, number> = {};
for (let item = spool.nextAfter(0); item !== null; item = spool.nextAfter(item.id)) {
  kinds[item.kind] = (kinds[item.kind] ?? 0) + 1;
}
const { seq } = spool.head();
const { batchesGivenUp, fill } = spool.stats(count * 1_000);
console.log(JSON.stringify({ count, seq, kinds, batchesGivenUp, share: fill.share }));
spool.close();
