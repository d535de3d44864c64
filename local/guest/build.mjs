import { createHash, randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EMULATED_CLOCK } from '../../src/qemu/emulated-clock.mjs';
import { run } from './command.mjs';
import { makeBootDevices, makeDatabase, moveDatabase } from './database.mjs';
import { makeDataImage, makeLoader, makeRootImage, ROOT_PARTUUID } from './images.mjs';
import { installKernel } from './kernel.mjs';
import { downloadPackages, hostRelease, packagesDigest, resolvePackages } from './packages.mjs';
import { buildAsRoot, mayBuild } from './privilege.mjs';
import { makeRootfs, makeTree, POSTGRES_ID, programVersions, unpack } from './rootfs.mjs';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));
/** Written last, before the directory gets its final name: a directory that has it is whole. */
const COMPLETE = 'guest.json';

/** A build takes seconds, with a slow download minutes. */
const ABANDONED_AFTER_MS = 3_600_000;

// Fewer seconds to the databases under emulation: no calibration loops, mitigations or self-tests.
// printk.devkmsg=on: the default limits what a script may say on the console, and the console is evidence.
const KERNEL_OPTIONS = [
  `root=PARTUUID=${ROOT_PARTUUID} rootfstype=ext4 ro init=/sbin/init console=tty0 console=ttyS0 quiet panic=-1`,
  'mitigations=off no_timer_check nokaslr audit=0 lpj=4000000 cryptomgr.notests random.trust_cpu=on',
  // Code that is not patched while it runs, pages not cleared twice, no second pair of permission checks: together 0.4 of
  // 4.4 processor seconds from the kernel's start to power-off.
  'noreplace-smp init_on_alloc=0 rodata=off lsm=capability',
  // Programs always at the same addresses, whose translated code is found again: 3.5 processor seconds in place of 3.7 from
  // there to PostgreSQL.
  'norandmaps',
  EMULATED_CLOCK,
  'net.ifnames=0 8250.nr_uarts=1 rcupdate.rcu_expedited=1 printk.devkmsg=on',
].join(' ');

/**
 * The guest image for this host's release, built when it is not in the cache yet.
 * Resolves with the paths of two raw disk images, which are bases: copy or overlay them, never boot them directly.
 */
export async function buildGuest({ cacheDir, report = () => {} }) {
  const folder = join(cacheDir, 'guest');
  const sources = await sourcesDigest();
  const packages = await resolveOrUpdate(report);
  const key = `${sources.slice(0, 10)}-${packagesDigest(packages).slice(0, 10)}`;
  const cached = await readComplete(join(folder, key));
  if (cached) return cached;
  if (!mayBuild()) {
    await buildAsRoot({ cacheDir, report });
    return readComplete(join(folder, key));
  }
  await removeAbandoned(folder);
  const scratch = join(folder, `.build-${key}-${randomBytes(4).toString('hex')}`);
  try {
    await mkdir(scratch, { recursive: true });
    await build({ folder, scratch, packages, key, report });
    await publish(join(scratch, 'out'), join(folder, key));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return readComplete(join(folder, key));
}

/** The newest finished image made from these sources, or undefined. Asks neither apt nor the network. */
export async function findGuest({ cacheDir }) {
  const folder = join(cacheDir, 'guest');
  const prefix = `${(await sourcesDigest()).slice(0, 10)}-`;
  const keys = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith(prefix));
  const found = (await Promise.all(keys.map((key) => readComplete(join(folder, key))))).filter(Boolean);
  return found.sort((a, b) => b.builtAt.localeCompare(a.builtAt))[0];
}

async function build({ folder, scratch, packages, key, report }) {
  const trees = Object.fromEntries(
    ['root', 'data', 'tools', 'kernel', 'out'].map((name) => [name, join(scratch, name)]),
  );
  const { major } = packages;
  const step = timedSteps(report);
  const debs = await step('packages', () => downloadAll(packages, join(folder, 'debs'), report));
  const release = await hostRelease();
  await step('root file system', () =>
    makeRootfs({ tree: trees.root, debs: debs.guest, major, files: join(SOURCES, 'files'), release }),
  );
  const kernel = await step('kernel', () =>
    installKernel({ tree: trees.root, debs: debs.kernel, scratch: trees.kernel }),
  );
  await step('database', () => makeDatabase({ tree: trees.root, major, sources: join(SOURCES, 'database') }));
  const versions = { ...(await programVersions(trees.root, major)), kernel: kernel.release, release };
  await makeBootDevices(trees.root);
  await moveDatabase({ tree: trees.root, major, target: trees.data });
  await writeFile(join(trees.root, 'boot/grub/grub.cfg'), grubConfig(kernel));
  const loader = await step('boot loader', () => unpackLoader(trees.tools, debs.tools));
  await step('disk images', () => makeImages({ trees, loader, scratch }));
  await writeFile(
    join(trees.out, COMPLETE),
    `${JSON.stringify({ key, versions, postgresqlMajor: major, builtAt: new Date().toISOString() }, null, 2)}\n`,
  );
}

async function downloadAll({ guest, tools, kernel }, directory, report) {
  report(`${guest.length + tools.length + kernel.length} packages`);
  await downloadPackages([...guest, ...tools, ...kernel], directory);
  const of = (packages) => packages.map(({ file }) => join(directory, file));
  return { guest: of(guest), tools: of(tools), kernel: of(kernel) };
}

async function unpackLoader(tree, debs) {
  await makeTree(tree);
  for (const deb of debs) await unpack(deb, tree);
  return makeLoader({ tools: tree });
}

async function makeImages({ trees, loader, scratch }) {
  await mkdir(trees.out, { recursive: true });
  await Promise.all([
    makeRootImage({ tree: trees.root, image: join(trees.out, 'root.img'), loader, scratch }),
    makeDataImage({
      tree: trees.data,
      image: join(trees.out, 'data.img'),
      owner: `${POSTGRES_ID}:${POSTGRES_ID}`,
      scratch,
    }),
    // Tests run the guest's scripts on the host with the guest's own shell.
    copyFile(join(trees.root, 'bin/busybox'), join(trees.out, 'busybox')),
  ]);
}

// linux16 and not linux: 1.1 s instead of 2.2–3.9 s from firmware to kernel (measured on emulated NVMe).
function grubConfig({ initramfs }) {
  const lines = [`linux16 /boot/vmlinuz ${KERNEL_OPTIONS}`, ...(initramfs ? ['initrd16 /boot/initramfs'] : []), 'boot'];
  return `${lines.join('\n')}\n`;
}

/** Package lists that are missing or older than the mirror's files are the one failure a retry can mend. */
async function resolveOrUpdate(report) {
  try {
    return await resolvePackages();
  } catch (error) {
    if (!mayBuild()) throw error;
    report('refreshing apt lists');
    await run('apt-get', ['update', '-qq']);
    return resolvePackages();
  }
}

/** Trees of builds that were killed; the age keeps a build that runs right now safe. */
async function removeAbandoned(folder) {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('.build-'));
  for (const name of names) {
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function publish(finished, directory) {
  try {
    await rename(finished, directory);
  } catch (error) {
    // Another build of the same key was faster; both are the same image.
    if (!(await readComplete(directory))) throw error;
  }
}

async function readComplete(directory) {
  const text = await readFile(join(directory, COMPLETE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const file = (name) => join(directory, name);
  return {
    dir: directory,
    root: file('root.img'),
    data: file('data.img'),
    busybox: file('busybox'),
    ...JSON.parse(text),
  };
}

// Documentation, type declarations and the ways to start a build do not shape the image.
const WITHOUT_EFFECT = /\.md$|\.mts$|^main\.mjs$|^privilege\.mjs$/;

/** Of the product, and part of what shapes the image. */
const OF_THE_PRODUCT = ['../../src/appliance/module-files.mjs', '../../src/qemu/emulated-clock.mjs'];

/** Everything that shapes the image. */
async function sourcesDigest() {
  const hash = createHash('sha256');
  for (const path of OF_THE_PRODUCT) hash.update(await readFile(new URL(path, import.meta.url)));
  const paths = await readdir(SOURCES, { recursive: true });
  for (const path of paths.filter((name) => !WITHOUT_EFFECT.test(name)).sort()) {
    const full = join(SOURCES, path);
    if (!(await stat(full)).isFile()) continue;
    hash
      .update(`${relative(SOURCES, full)}\0`)
      .update(await readFile(full))
      .update('\0');
  }
  return hash.digest('hex');
}

function timedSteps(report) {
  return async (name, work) => {
    const started = performance.now();
    const result = await work();
    report(`${name} ${((performance.now() - started) / 1000).toFixed(1)} s`);
    return result;
  };
}
