import { mkdirSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const flags = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

export interface OpenedPage {
  page: Page;
  browser: Browser;
  /** What the page's console complained about, and what it could not load. */
  complaints: string[];
  /** Saves what is seen as `test-results/NAME.png`. */
  shoot(name: string): Promise<string>;
  close(): Promise<void>;
}

/** Opens a page in Debian's Chromium. A machine without it fails the test: a page nobody looked at is not tested. */
export async function openPage(
  url: string,
  { width = 1280, height = 800, colorScheme = 'light' }: { width?: number; height?: number; colorScheme?: 'light' | 'dark' } = {},
): Promise<OpenedPage> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: flags });
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  const complaints: string[] = [];
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(error.message));
  await page.goto(url);
  await page.waitForSelector('body[data-ready]');
  return {
    page,
    browser,
    complaints,
    async shoot(name) {
      mkdirSync('test-results', { recursive: true });
      const path = `test-results/${name}.png`;
      await page.screenshot({ path });
      return path;
    },
    close: () => browser.close(),
  };
}
