// @ts-check
// Runs before there are dependencies and on Node 20: Node's own modules only.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseAccelerator } from '../src/qemu/choose-accelerator.mjs';
import { ensurePackages } from './apt.mjs';
import { ensureBoto3 } from './boto3.mjs';
import { findBrowser } from './browser.mjs';
import { cacheFolder } from './cache.mjs';
import { ensureDependencies, requireNode } from './dependencies.mjs';
import { SetupError } from './failure.mjs';
import { ensureGuest } from './guest.mjs';
import { withLock } from './lock.mjs';
import { ensureOldestNode } from './oldest-node.mjs';
import { packagesFor } from './packages.mjs';
import { requireSupported } from './platform.mjs';
import { requireQemu } from './qemu.mjs';
import { ensureReader } from './reader.mjs';
import { createSteps, formatSeconds } from './steps.mjs';
import { findTemporal } from './temporal.mjs';
import { findVersitygw } from './versitygw.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const env = process.env;
const cacheDir = cacheFolder(env);
const stateDir = join(root, '.understudy');

/** @param {string} text */
const write = (text) => void process.stderr.write(text);
const step = createSteps({ write, now: () => performance.now() });
const stopping = new AbortController();
const common = { root, env, cacheDir, signal: stopping.signal };

/** The steps; what does not need another's result runs beside it: npm and apt wait for the network, Go for the processor. */
async function setUp() {
  const release = await step('platform', async () => {
    const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => undefined);
    const result = requireSupported({ platform: process.platform, arch: process.arch, osRelease });
    return {
      result,
      found: `${result.name}${result.tested ? '' : ' (same packages as Debian 12, not tested)'}`,
      cached: true,
    };
  });
  await mkdir(cacheDir, { recursive: true });
  const [nodes, servers, machines] = await Promise.all([npmPackages(), serverPrograms(), systemTools(release)]);
  // Last: on a distribution without a Chromium package it is playwright-core that brings one.
  const chromium = await step('browser', async (note) => {
    const { path, cached } = await findBrowser({ ...common, note });
    return { result: path, found: path, cached };
  });
  await step('file system reader', async (note) => {
    const cached = await ensureReader({ ...common, node: nodes.node, note });
    return { result: undefined, found: 'a kernel and its drivers', cached };
  });
  await writeToolchain({ ...nodes, ...servers, ...machines, chromium });
}

async function npmPackages() {
  const node = await step('npm packages', async (note) => {
    const installed = await ensureDependencies({ ...common, note });
    const { path, version } = await requireNode(common);
    return { result: path, found: `package-lock.json, Node ${version}`, cached: !installed };
  });
  const oldestNode = await step('oldest node', async (note) => {
    const { path, version, cached } = await ensureOldestNode({ ...common, note });
    return { result: path, found: `${version}, for the test of the package`, cached };
  });
  return { node, oldestNode };
}

async function serverPrograms() {
  // One after the other: two Go builds at once take as long and tell nobody which of them is slow.
  const temporal = await step('temporal server', async (note) => {
    const result = await findTemporal({ ...common, note });
    return { result, found: `${result.version} (${result.source})`, cached: result.cached };
  });
  const versitygw = await step('s3 server', async (note) => {
    const result = await findVersitygw({ ...common, note });
    return { result, found: `versitygw ${result.version} (${result.source})`, cached: result.cached };
  });
  return {
    temporal: { path: temporal.path, version: temporal.version },
    versitygw: { path: versitygw.path, version: versitygw.version },
  };
}

/** @param {import('./platform.mjs').Release} release */
async function systemTools(release) {
  await step('system packages', async (note) => {
    const wanted = packagesFor(release.id);
    const installed = await ensurePackages(wanted, { ...common, note });
    return {
      result: undefined,
      found: installed.length === 0 ? `${wanted.length} packages` : `installed ${installed.join(' ')}`,
      cached: installed.length === 0,
    };
  });
  const qemu = await requireQemu(common);
  const accel = await step('machines', async (note) => {
    const verdict = await chooseAccelerator({ qemu: qemu.system, cacheFolder: cacheDir, signal: stopping.signal });
    if (verdict.nothingBoots !== undefined) {
      throw new SetupError(
        `QEMU does not boot a machine (${verdict.nothingBoots})`,
        `make "${qemu.system} -accel tcg" work, for example by installing qemu-system-x86 again`,
      );
    }
    if (verdict.kvmFailed) note(`/dev/kvm is there but of no use (${verdict.kvmFailed}): software emulation instead`);
    const how = verdict.accelerator === 'kvm' ? 'hardware virtualization' : 'software emulation';
    return { result: verdict.accelerator, found: `QEMU ${qemu.version}, ${how}`, cached: verdict.cached };
  });
  const guest = await step('guest image', async (note) => {
    const { guest, cached } = await ensureGuest({ ...common, releaseName: release.prettyName, note });
    const { postgresql, redis, kernel } = guest.versions;
    return { result: guest, found: `PostgreSQL ${postgresql}, Redis ${redis}, Linux ${kernel}`, cached };
  });
  const boto3Python = await step('boto3', async (note) => {
    const { path, version, cached } = await ensureBoto3({ ...common, note });
    return { result: path, found: version, cached };
  });
  return { qemu, accel, boto3Python, guest };
}

/**
 * What the local cloud and the tests read (local/toolchain.ts); appears whole or not at all.
 * @param {object} toolchain
 */
async function writeToolchain(toolchain) {
  const file = join(stateDir, 'toolchain.json');
  await writeFile(`${file}.new`, `${JSON.stringify(toolchain, undefined, 2)}\n`);
  await rename(`${file}.new`, file);
}

async function main() {
  const startedAt = performance.now();
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(name, () =>
      stopping.abort(new SetupError('The set-up was interrupted', 'start it again; finished steps are kept')),
    );
  }
  try {
    await withLock(join(stateDir, 'setup.lock'), setUp, {
      signal: stopping.signal,
      onWait: (pid) => write(`set-up of this folder already runs (process ${pid}), waiting for it\n`),
    });
    write(`set-up ready in ${formatSeconds(performance.now() - startedAt)}\n`);
  } catch (error) {
    // Whatever runs beside the failed step is of no use any more; stopped, it cannot outlive us.
    stopping.abort(error);
    write(`set-up failed: ${describe(stopping.signal.reason)}\n`);
    process.exitCode = 1;
  }
}

/**
 * One sentence with its remedy; anything else is a mistake of the set-up, whose place helps to find it.
 * @param {unknown} error
 */
function describe(error) {
  if (error instanceof SetupError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

await main();
