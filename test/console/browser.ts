import { type Browser, chromium } from 'playwright-core';
import { requireDebianPackage } from '../debian-packages.ts';

/** Debian's Chromium, without a window and without talking to anybody but the page's own server. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = await requireDebianPackage('chromium', 'chromium');
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
