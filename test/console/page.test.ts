import { readdirSync, readFileSync } from 'node:fs';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from '../../src/api/server.ts';
import { depsOf } from '../api/test-api.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { startBrowser } from './browser.ts';
import { insertSampleDay } from './sample-day.ts';

let database: TestDatabase;
let empty: TestDatabase;
let api: Awaited<ReturnType<typeof startApi>>;
let emptyApi: Awaited<ReturnType<typeof startApi>>;
let browser: Browser;
let context: BrowserContext | undefined;
let faults: string[] = [];

beforeAll(async () => {
  [browser, database, empty] = await Promise.all([
    startBrowser(),
    createTestDatabase(),
    createTestDatabase(),
  ]);
  await insertSampleDay(database.db);
  const anyPort = { host: '127.0.0.1', port: 0 };
  const stats = () => ({ readingsPerSecond: 148 });
  api = await startApi(anyPort, depsOf(database, { stats }));
  emptyApi = await startApi(anyPort, depsOf(empty));
}, 300_000);

afterEach(async () => {
  await context?.close();
  context = undefined;
  await setPos(184_312);
});

afterAll(async () => {
  await browser.close();
  await Promise.all([api.close(), emptyApi.close()]);
  await Promise.all([database.close(), empty.close()]);
});

async function open(
  path = '/',
  { base = api.url, width = 1440 }: { base?: string; width?: number } = {},
): Promise<Page> {
  context = await browser.newContext({ viewport: { width, height: 900 } });
  const page = await context.newPage();
  faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(base)) faults.push(`asked ${request.url()}`);
  });
  await page.goto(base + path);
  return page;
}

/** The page hears of a change within a second or two, later on a busy machine. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 30_000 });
const setPos = (pos: number) => database.db.updateTable('telemetry.shard').set({ pos }).execute();

const rowOf = (page: Page, post: string, kind: string) =>
  page.locator('#posts-body tr', { hasText: post }).filter({ hasText: kind });
const chartLabel = (page: Page) => page.locator('#chart').getAttribute('aria-label');

describe('the page', () => {
  it('shows every post with its value, limit, share, verdict and coverage', async () => {
    const page = await open();
    const row = rowOf(page, '落砂', 'LEX,8h');
    await row.waitFor();
    expect(await page.locator('#posts-body tr').count()).toBe(13);
    const words = (await row.innerText()).replace(/\s+/g, ' ');
    expect(words).toContain('杭州云澜铸造有限公司');
    expect(words).toContain('88.2');
    expect(words).toContain('85 dB(A)');
    expect(words).toContain('+3.2 dB');
    expect(words).toContain('超限');
    expect(words).toContain('在线监测超限');
    expect(words).toContain('99 %');
    expect(await rowOf(page, '浇注', 'PC-STEL').innerText()).toContain('128 %');
    expect(await rowOf(page, '浇注', '高温').innerText()).toContain('+1.1 °C');
    expect(await rowOf(page, '喷涂', 'PC-TWA').innerText()).toContain('在线监测未见超限');
    expect(await rowOf(page, '焊接', '').innerText()).toContain('尚无判定');
    expect(faults).toEqual([]);
  });

  it('shows the live numbers, in the zone that it names', async () => {
    const page = await open();
    const summary = page.locator('#summary');
    await eventually(() => summary.innerText()).toContain('184,312');
    const words = await summary.innerText();
    expect(words).toContain('11-24 15:20');
    expect(words).toContain('148');
    expect(words).toContain('其中 2 条已到平台');
    expect(await page.locator('#zone').innerText()).toContain('北京时间 UTC+8');
    await eventually(() => page.locator('#link').innerText()).toBe('实时更新');
    await eventually(() => page.locator('#announce').textContent()).toBe(
      '超限 3 项，接近限值 3 项，线索 6 条。',
    );
  });

  it('lists the clues with their state at the platform and links to the evidence', async () => {
    const page = await open();
    const clues = page.locator('#clues-body tr');
    await eventually(() => clues.count()).toBe(6);
    expect(await clues.nth(0).innerText()).toMatch(/平台已接收[\s\S]*P2025112400017/);
    expect(await clues.nth(2).innerText()).toMatch(/待推送[\s\S]*11-25 12:00 后可推送/);
    expect(await clues.nth(4).innerText()).toContain('推送失败');
    const href = await clues.nth(0).locator('a[href^="/api/v1/evidence/"]').getAttribute('href');
    expect((await fetch(api.url + href)).status).toBe(200);
  });

  it('draws the chosen post, with its gap, limit and range told in words', async () => {
    const page = await open();
    await rowOf(page, '冲压', 'LEX,8h').click();
    await eventually(() => chartLabel(page)).toContain('冲压 · 噪声 LEX,8h');
    const label = await chartLabel(page);
    expect(label).toContain('11-23 15:20 至 11-24 15:20');
    expect(label).toContain('限值 85 dB(A)');
    expect(label).toMatch(/缺测 [1-9]\d* 分钟/);
    await page.locator('#ranges button', { hasText: '本班' }).click();
    await eventually(() => chartLabel(page)).toContain('11-24 08:00 至 11-24 16:00');
    expect(await page.locator('#chart canvas').count()).toBe(1);
    expect(page.url()).toContain('#stamping');
    expect(faults).toEqual([]);
  });

  it('filters by state', async () => {
    const page = await open();
    await page.locator('#filters button', { hasText: '接近限值' }).click();
    expect(await page.locator('#posts-body tr').count()).toBe(3);
    await page.locator('#filters button', { hasText: '全部' }).click();
    expect(await page.locator('#posts-body tr').count()).toBe(13);
  });

  it('can be used by keyboard alone, and a refresh does not take the focus', async () => {
    const page = await open();
    const rows = page.locator('#posts-body .row-select');
    await rows.first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const focused = () => page.evaluate('document.activeElement.getAttribute("aria-label")');
    const label = await rows.nth(2).getAttribute('aria-label');
    expect(await focused()).toBe(label);
    expect(await rows.nth(2).getAttribute('aria-pressed')).toBe('true');
    await setPos(184_400);
    await eventually(() => page.locator('#summary').innerText()).toContain('184,400');
    await setPos(184_312);
    await eventually(() => page.locator('#summary').innerText()).toContain('184,312');
    expect(await focused()).toBe(label);
  });

  it('speaks English when asked, and keeps it in the address', async () => {
    const page = await open();
    await page.locator('#language').click();
    await eventually(() => page.locator('#posts-title').innerText()).toBe('Posts');
    expect(await rowOf(page, '喷涂', 'PC-TWA').innerText()).toContain('No exceedance seen online');
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(page.url()).toContain('lang=en');
    await page.reload();
    await eventually(() => page.locator('#posts-title').innerText()).toBe('Posts');
  });

  it('says so while nothing is registered', async () => {
    const page = await open('/', { base: emptyApi.url });
    await eventually(() => page.locator('#posts-empty').innerText()).toContain('还没有岗位');
    expect(await page.locator('#clues-empty').innerText()).toContain('目前没有线索');
    expect(faults).toEqual([]);
  });

  it('keeps what it shows and says what is wrong when the API fails', async () => {
    const page = await open();
    await page.locator('#posts-body tr').first().waitFor();
    await page.route('**/api/v1/posts*', (route) =>
      route.fulfill({ status: 503, json: { error: { message: '数据库没有应答' } } }),
    );
    await setPos(184_500);
    const trouble = page.locator('#trouble');
    await eventually(() => trouble.innerText()).toContain('数据库没有应答');
    expect(await page.locator('#posts-body tr').count()).toBe(13);
    await page.unroute('**/api/v1/posts*');
    await setPos(184_312);
    await eventually(() => trouble.isVisible()).toBe(false);
  });

  it.each([360, 768, 1100, 1440])(
    'fits a window of %i px without scrolling sideways',
    async (width) => {
      const page = await open('/', { width });
      await page.locator('#posts-body tr').first().waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    },
  );
});

/** Contrast ratio of two `#rrggbb` colours. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string): number => {
    const [r = 0, g = 0, blue = 0] = [1, 3, 5].map((at) => {
      const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

describe('the words of the page', () => {
  const folder = new URL('../../src/console/public/', import.meta.url);
  const files = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));

  it('never calls anything compliant: within is 在线监测未见超限', () => {
    expect(files.join('\n')).not.toMatch(/合格|达标|compliant/i);
    expect(files.join('\n')).toContain("within: '在线监测未见超限'");
  });

  it('has every word in both languages', () => {
    const text = readFileSync(new URL('text.js', folder), 'utf8');
    const [, zh = '', en = ''] = text.split(/^ {2}(?:zh|en): \{$/m);
    const keysOf = (part: string): string[] =>
      [...part.matchAll(/^ {4}'?([\w-]+)'?:/gm)].map(([, key]) => key as string).sort();
    expect(keysOf(zh).length).toBeGreaterThan(80);
    expect(keysOf(en)).toEqual(keysOf(zh));
  });

  it.each(['light', 'dark'])('keeps text readable in the %s theme (WCAG 2.2, 1.4.3)', (theme) => {
    const css = readFileSync(new URL('theme.css', folder), 'utf8');
    const [light = '', dark = ''] = css.split('@media (prefers-color-scheme: dark)');
    const part = theme === 'light' ? light : dark;
    const colour = (name: string): string =>
      new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(part)?.[1] ?? name;
    const pairs = [
      ...['text', 'muted', 'accent', 'over', 'near', 'below'].flatMap((ink) =>
        ['surface', 'ground', 'sunken'].map((paper) => [ink, paper] as const),
      ),
      ...['over', 'near', 'below', 'no-data', 'accent'].map(
        (tone) => [tone, `${tone}-soft`] as const,
      ),
      ...['text', 'muted', 'over', 'near', 'below'].map((ink) => [ink, 'accent-soft'] as const),
    ];
    const poor = pairs.filter(([ink, paper]) => contrast(colour(ink), colour(paper)) < 4.5);
    expect(poor).toEqual([]);
  });

  it('loads nothing from elsewhere', () => {
    const addresses = files.join('\n').match(/https?:\/\/[^"'\s)]+/g) ?? [];
    expect(addresses.filter((address) => address !== 'http://www.w3.org/2000/svg')).toEqual([]);
  });
});
