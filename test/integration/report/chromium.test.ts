import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readToolchain } from '../../../local/toolchain.ts';
import { renderReport } from '../../../src/report/render-report.ts';
import { sampleReport } from '../../unit/report/sample.ts';

/** What a guest writes who wants out of its place; on the console and in the name of the instance. */
const ATTACK =
  '</pre></style><script>document.title="owned"</script><img src="http://127.0.0.1:9/x" onerror="document.title=1">';

let browser: Browser;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'understudy-report-'));
  browser = await chromium.launch({
    executablePath: readToolchain().chromium,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-sync',
    ],
  });
});
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

interface OpenPage {
  readonly page: Page;
  /** Everything the page asked for, itself included. */
  readonly requests: readonly string[];
  /** What the browser complained about: a refused style, a script that was blocked. */
  readonly complaints: readonly string[];
}

async function open(html: string, viewport = { width: 1140, height: 900 }): Promise<OpenPage> {
  const file = join(folder, 'report.html');
  await writeFile(file, html);
  const page = await browser.newPage({ viewport });
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url().slice(0, 40)));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('dialog', (dialog) => complaints.push(dialog.message()));
  await page.goto(pathToFileURL(file).href);
  return { page, requests, complaints };
}

test('a browser applies the style under the policy and has nothing to complain about', async () => {
  const { page, complaints, requests } = await open(renderReport(sampleReport()));
  const radius = await page.evaluate("getComputedStyle(document.querySelector('section')).borderRadius");
  const screens = await page.evaluate('[...document.images].map((image) => image.naturalWidth)');
  expect(complaints).toEqual([]);
  expect(radius).toBe('12px');
  expect(screens).toEqual([720, 720]);
  expect(requests.filter((url) => !url.startsWith('data:image/jpeg'))).toEqual([expect.stringMatching(/^file:/)]);
});

test('what a guest wrote is read as text, runs nothing and loads nothing', async () => {
  const sample = sampleReport();
  const machines = [{ role: 'clone', machineId: 'i-1', console: new TextEncoder().encode(ATTACK) }] as const;
  const { page, requests } = await open(
    renderReport({ ...sample, source: { ...sample.source, name: ATTACK }, machines }),
  );
  expect(await page.title()).toContain(sample.source.instanceId);
  expect((await page.locator('pre').textContent())?.trim()).toBe(ATTACK);
  expect(await page.locator('.lead b').first().textContent()).toBe(ATTACK);
  expect(requests).toHaveLength(1);
});

test('on a phone the page is as wide as the phone', async () => {
  const { page } = await open(renderReport(sampleReport()), { width: 360, height: 740 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
});
