/**
 * Makes the README's pictures from a report: `node docs/images/make.ts <report.html> [folder]` writes `report.png` and
 * `report-dark.png` (the top of the page), and beside them full, narrow and printed views into `folder` when one is named.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';

/** Debian's package; nothing is downloaded and nothing calls home. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const DESK = { width: 1140, height: 900 };
/** Below the phases: head, verdicts, volumes and phases are what fits a README. */
const MARGIN_PX = 22;
const PHONE = { width: 390, height: 844 };

const [report, folder] = process.argv.slice(2);
if (report === undefined) {
  process.stderr.write('node docs/images/make.ts <report.html> [folder for full views]\n');
  process.exitCode = 2;
} else {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    await makePictures(browser, pathToFileURL(resolve(report)).href);
    if (folder !== undefined) await makeViews(browser, pathToFileURL(resolve(report)).href, folder);
  } finally {
    await browser.close();
  }
}

async function makePictures(browser: Browser, url: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ viewport: DESK, colorScheme });
    await page.goto(url);
    const name = colorScheme === 'light' ? 'report.png' : 'report-dark.png';
    const phases = await page.locator('section:has(.phases)').boundingBox();
    if (phases === null) throw new Error('the page has no phases: is it a report?');
    const clip = { x: 0, y: 0, width: DESK.width, height: phases.y + phases.height + MARGIN_PX };
    await page.screenshot({ path: join(import.meta.dirname, name), fullPage: true, clip });
    await page.close();
  }
}

async function makeViews(browser: Browser, url: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const page = await browser.newPage({ viewport: DESK, colorScheme: 'light' });
  page.on('console', (message) => process.stderr.write(`page: ${message.text()}\n`));
  await page.goto(url);
  await page.screenshot({ path: join(folder, 'full.png'), fullPage: true });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ path: join(folder, 'full-dark.png'), fullPage: true });
  await page.setViewportSize(PHONE);
  await page.screenshot({ path: join(folder, 'phone.png'), fullPage: true });
  await page.pdf({
    path: join(folder, 'print.pdf'),
    format: 'A4',
    margin: { top: '14mm', bottom: '14mm', left: '14mm', right: '14mm' },
  });
  await page.close();
}
