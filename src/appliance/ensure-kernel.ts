import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PlatformError } from '../errors.ts';
import { type ArchivedFile, makeCpio } from './cpio.ts';
import { collectModules, DRIVERS } from './kernel-modules.ts';

const run = promisify(execFile);
const AGENT = new URL('./agent.pl', import.meta.url);
/** In order of liking: Debian's cloud kernel is small; Ubuntu's counterpart is its "virtual" kernel. */
const METAPACKAGES = ['linux-image-cloud-amd64', 'linux-image-virtual', 'linux-image-generic', 'linux-image-amd64'];
const PERL = '/usr/bin/perl';
// 30 MiB for Debian's cloud kernel, 200 MiB for a generic one. A mover without the internet must not wait for each try of apt.
const FETCH_LIMIT_MS = 5 * 60_000;
const KERNEL_FILE = 'vmlinuz';
const INITRAMFS_FILE = 'initramfs';

export interface ApplianceFiles {
  readonly kernel: string;
  readonly initramfs: string;
  /** Nothing had to be made. */
  readonly cached: boolean;
}

/**
 * Kernel and first root of the reader's machine, from the cache folder or made there: the kernel out of the
 * distribution's package (fetched by apt, which needs no rights for that), Perl out of this host. QemuMissing says what to
 * install where that cannot be done.
 */
export async function ensureApplianceFiles(cacheFolder: string, signal: AbortSignal): Promise<ApplianceFiles> {
  const agent = await readFile(AGENT);
  const key = createHash('sha256').update(agent).update(DRIVERS).digest('hex').slice(0, 12);
  const folder = join(cacheFolder, `appliance-${key}`);
  const initramfs = join(folder, INITRAMFS_FILE);
  const cached = await isThere(initramfs);
  if (!cached) await make(folder, agent, signal);
  return { kernel: join(folder, KERNEL_FILE), initramfs, cached };
}

/** Appears by a rename, so it is whole or absent however many processes make it. */
async function make(folder: string, agent: Buffer, signal: AbortSignal): Promise<void> {
  await mkdir(join(folder, '..'), { recursive: true });
  const scratch = await mkdtemp(`${folder}.new-`);
  try {
    const packages = join(scratch, 'packages');
    await fetchKernel(packages, signal);
    const boot = join(packages, 'root/boot');
    const kernel = (await readdir(boot)).find((name) => name.startsWith('vmlinuz-')) ?? '';
    const modules = await collectModules(await modulesFolder(packages, kernel.slice('vmlinuz-'.length)));
    const files: ArchivedFile[] = [
      { path: 'init', content: agent },
      ...(await perlFiles()),
      ...[...modules.files].map(([file, content]) => ({ path: `modules/${file}`, content })),
      ...[...modules.orders].map(([group, order]) => ({
        path: `modules/${group}.order`,
        content: Buffer.from(order.map((file) => `${file}\n`).join('')),
      })),
    ];
    const ready = join(scratch, 'ready');
    await mkdir(ready);
    await writeFile(join(ready, KERNEL_FILE), await readFile(join(boot, kernel)));
    await writeFile(join(ready, INITRAMFS_FILE), makeCpio(files));
    await rename(ready, folder).catch(async (error: unknown) => {
      if (!(await isThere(join(folder, INITRAMFS_FILE)))) throw error; // else another process was faster
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function modulesFolder(packages: string, release: string): Promise<string> {
  for (const place of ['root/lib/modules', 'root/usr/lib/modules']) {
    const folder = join(packages, place, release);
    if (await isThere(folder)) return folder;
  }
  throw unusable(`the kernel package has no modules of ${release}`);
}

async function fetchKernel(folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(join(folder, 'root'), { recursive: true });
  try {
    const names = await kernelPackages(signal);
    await run('apt-get', ['download', '-qq', ...names], { cwd: folder, signal, timeout: FETCH_LIMIT_MS });
    for (const name of (await readdir(folder)).filter((file) => file.endsWith('.deb')))
      await run('dpkg-deb', ['-x', join(folder, name), join(folder, 'root')], { signal });
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof PlatformError) throw cause;
    throw unusable(`its package could not be fetched (${String(cause)})`, cause);
  }
}

/** The versioned packages behind the first kernel metapackage that apt knows. */
async function kernelPackages(signal: AbortSignal): Promise<string[]> {
  for (const metapackage of METAPACKAGES) {
    const args = ['depends', '--recurse', '--important', metapackage];
    const found = await run('apt-cache', args, { signal }).catch(() => ({ stdout: '' }));
    const names = found.stdout.split('\n').filter((line) => /^linux-(image|modules)-\d/.test(line));
    if (names.length > 0) return names;
  }
  throw unusable(`apt knows none of ${METAPACKAGES.join(', ')}`);
}

/** Perl and the libraries that the loader finds for it, at their own places. */
async function perlFiles(): Promise<ArchivedFile[]> {
  const { stdout } = await run('ldd', [PERL]).catch((cause: unknown) => {
    throw unusable(`${PERL} is not there`, cause);
  });
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
  return Promise.all(
    [PERL, ...libraries].map(async (path) => ({ path: path.slice(1), content: await readFile(path) })),
  );
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function unusable(reason: string, cause?: unknown): PlatformError {
  const message = `the reader of other file systems needs a Linux kernel, and ${reason}; on Debian and Ubuntu run "sudo apt-get update" and try again, elsewhere read the volume with \`understudy mount\``;
  return new PlatformError('QemuMissing', message, { cause });
}
