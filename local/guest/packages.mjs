import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuestBuildError, run } from './command.mjs';

/** What the guest is asked to have; libraries follow from apt's own solution. libc-bin brings ldconfig and C.UTF-8. */
const GUEST_ROOTS = ['busybox-static', 'e2fsprogs', 'libc-bin', 'pgbackrest', 'redis-server', 'redis-tools', 'tzdata'];
const TOOL_ROOTS = ['grub-pc-bin', 'grub-common'];
/** In order of liking: Debian's cloud kernel is small; Ubuntu's counterpart is its "virtual" kernel. */
const KERNEL_METAPACKAGES = [
  'linux-image-cloud-amd64',
  'linux-image-virtual',
  'linux-image-generic',
  'linux-image-amd64',
];

/**
 * Libraries that only serve what is left out: the JIT (llvm, z3), perl, the package database, PAM's modules.
 * Everything that is neither asked for nor a library (perl, adduser, systemd …) serves maintainer scripts, and none run.
 */
const UNUSED_LIBRARIES =
  /^lib(llvm|z3-|perl|clang|pam-modules|semanage|sepol|db5|gdbm|debian-installer|newt|slang|elogind|c-l10n|.*-perl$|.*-common$)/;

/** Which packages, exactly, today's release of this host gives for the guest, its kernel and its boot loader. */
export async function resolvePackages() {
  const [major, kernelNames] = await Promise.all([postgresqlMajor(), kernelPackages()]);
  const asked = [...GUEST_ROOTS, `postgresql-${major}`, `postgresql-client-${major}`];
  const [guest, tools, kernel] = await Promise.all([solve(asked), solve(TOOL_ROOTS), candidates(kernelNames)]);
  const wanted = (roots) => (found) => roots.includes(found.name) || isUsedLibrary(found.name);
  return { major, guest: guest.filter(wanted(asked)), tools: tools.filter(wanted(TOOL_ROOTS)), kernel };
}

function isUsedLibrary(name) {
  return /^(lib|zlib1g$)/.test(name) && !UNUSED_LIBRARIES.test(name);
}

async function postgresqlMajor() {
  const text = await run('apt-cache', ['depends', 'postgresql']);
  const major = /Depends: postgresql-(\d+)/.exec(text)?.[1];
  if (!major) throw new GuestBuildError('guest image: apt knows no PostgreSQL server; run "apt-get update"');
  return major;
}

/** The versioned packages behind the first kernel metapackage that apt knows. */
async function kernelPackages() {
  for (const metapackage of KERNEL_METAPACKAGES) {
    const text = await run('apt-cache', ['depends', '--recurse', '--important', metapackage]).catch(() => '');
    const names = text.split('\n').filter((line) => /^linux-(image|modules)-\d/.test(line));
    if (names.length > 0) return names;
  }
  throw new GuestBuildError(`guest image: apt knows none of ${KERNEL_METAPACKAGES.join(', ')}; run "apt-get update"`);
}

/** apt's solution for a machine that has nothing installed yet. */
async function solve(roots) {
  const scratch = await mkdtemp(join(tmpdir(), 'guest-apt-'));
  try {
    await mkdir(join(scratch, 'archives', 'partial'), { recursive: true });
    await writeFile(join(scratch, 'status'), '');
    const options = [
      `Dir::State::status=${scratch}/status`,
      `Dir::Cache::archives=${scratch}/archives/`,
      'Debug::NoLocking=1',
    ];
    const flags = [
      '-y',
      '-qq',
      '--print-uris',
      '--no-install-recommends',
      ...options.flatMap((option) => ['-o', option]),
    ];
    const text = await run('apt-get', ['install', ...flags, ...roots]);
    return text
      .split('\n')
      .filter((line) => line.startsWith("'"))
      .map(parseUri);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function candidates(names) {
  const text = await run('apt-get', ['download', '--print-uris', '-qq', ...names]);
  return text
    .split('\n')
    .filter((line) => line.startsWith("'"))
    .map(parseUri);
}

/** A line of --print-uris: 'uri' name_version_arch.deb size HASH:hex */
function parseUri(line) {
  const [, file, , hash] = line.split(' ');
  const [name, version] = file.split('_');
  return { file, name, version: decodeURIComponent(version), hash };
}

/** Downloads what is missing in `directory` through apt, which checks its signed hashes. */
export async function downloadPackages(packages, directory) {
  await mkdir(directory, { recursive: true });
  const once = [...new Map(packages.map((found) => [found.file, found])).values()];
  const present = await Promise.all(once.map(({ file }) => stat(join(directory, file)).catch(() => undefined)));
  const missing = once.filter((_, index) => present[index] === undefined);
  if (missing.length > 0) await fetchInto(missing, directory);
}

async function fetchInto(missing, directory) {
  // A directory of its own and a rename per finished file: a killed download leaves no half package under its name.
  const scratch = await mkdtemp(join(directory, '.download-'));
  try {
    // As root apt would drop to the user _apt, which may not write here, and only warns about that.
    const flags = ['-qq', '-o', 'APT::Sandbox::User=root'];
    await run('apt-get', ['download', ...flags, ...missing.map(({ name, version }) => `${name}=${version}`)], {
      cwd: scratch,
    });
    for (const { file } of missing) await rename(join(scratch, file), join(directory, file));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** One digest over names and versions: the part of the image's key that follows the host's release. */
export function packagesDigest({ guest, tools, kernel }) {
  const files = [...guest, ...tools, ...kernel].map(({ file }) => file).sort();
  return createHash('sha256').update(files.join('\n')).digest('hex');
}

/** The host's release by its own words, for reports and for the guest's os-release. */
export async function hostRelease() {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? 'unknown Linux';
}
