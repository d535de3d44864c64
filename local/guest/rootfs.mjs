import { chmod, chown, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { run } from './command.mjs';

/** User and group ids inside the guest; fixed, so that disks of different builds agree. */
export const POSTGRES_ID = 110;
export const REDIS_ID = 111;

// Nothing in the guest reads these; together they are two thirds of the unpacked size.
const LEFT_OUT = [
  ...['doc', 'man', 'locale', 'info', 'lintian', 'gcc', 'apport', 'bash-completion'].map(
    (name) => `./usr/share/${name}/*`,
  ),
  ...['right', 'posix'].map((name) => `*/zoneinfo/${name}/*`),
  ...['*/bitcode/*', '*/llvmjit*', '*/pgxs/*', '*/gconv/*', './usr/share/postgresql/*/man/*'],
  ...['./etc/init.d/*', './lib/systemd/*', './usr/lib/systemd/*'],
];
// Debian's own are perl wrappers, and there is no perl here.
const POSTGRES_PROGRAMS =
  'psql pg_isready pg_controldata pg_ctl pg_dump pg_dumpall pg_restore pg_basebackup pgbench createdb dropdb createuser vacuumdb'.split(
    ' ',
  );

/** Unpacks one package into a tree whose /bin, /sbin and /lib are links into /usr. */
export async function unpack(deb, tree, leftOut = []) {
  const tar = ['tar', '-x', '-p', '-C', tree, '--keep-directory-symlink', '--warning=no-timestamp', '--wildcards'];
  const pipe = `set -o pipefail; dpkg-deb --fsys-tarfile "$1" | ("\${@:2}")`;
  await run('bash', ['-c', pipe, 'unpack', deb, ...tar, ...leftOut.map((pattern) => `--exclude=${pattern}`)]);
}

export async function makeTree(tree) {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(tree, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(tree, name));
  }
}

/** The root file system without kernel and databases: packages, busybox, users, our own files. */
export async function makeRootfs({ tree, debs, major, files, release }) {
  await makeTree(tree);
  await Promise.all(halves(debs).map((half) => unpackInTurn(half, tree)));
  await makeDirectories(tree);
  await copyFiles(files, tree);
  await linkPrograms(tree, major); // after our own files: an applet never hides one of them
  await writeAccounts(tree);
  await writeFile(join(tree, 'etc/os-release'), `PRETTY_NAME="Understudy guest on ${release}"\n`);
  await writeFile(join(tree, 'etc/postgresql-major'), `${major}\n`);
  await run('chroot', [tree, '/sbin/ldconfig']);
  await provePrograms(tree, major);
}

/** Our own files, owned by root; what starts with "#!" is a program. */
async function copyFiles(files, tree) {
  for (const entry of await readdir(files, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath ?? entry.path, entry.name);
    const target = join(tree, relative(files, source));
    const content = await readFile(source);
    await mkdir(dirname(target), { recursive: true });
    await rm(target, { force: true }); // writing through a package's link would change another file
    await writeFile(target, content);
    await chmod(target, content.subarray(0, 2).toString() === '#!' ? 0o755 : 0o644);
  }
}

// Two at a time: dpkg-deb and tar keep one core busy each.
function halves(debs) {
  return [debs.filter((_, index) => index % 2 === 0), debs.filter((_, index) => index % 2 === 1)];
}

async function unpackInTurn(debs, tree) {
  for (const deb of debs) await unpack(deb, tree, LEFT_OUT);
}

async function makeDirectories(tree) {
  const directories = ['proc', 'sys', 'dev', 'run', 'tmp', 'root', 'mnt', 'etc', 'var/log/postgresql', 'var/lib/cloud'];
  for (const name of [...directories, 'var/lib/postgresql', 'var/lib/redis'])
    await mkdir(join(tree, name), { recursive: true });
  await chmod(join(tree, 'tmp'), 0o1777);
  await chmod(join(tree, 'root'), 0o700);
  await replaceByLink(join(tree, 'var/run'), '/run');
  await replaceByLink(join(tree, 'etc/mtab'), '/proc/self/mounts');
  await replaceByLink(join(tree, 'etc/localtime'), '/usr/share/zoneinfo/UTC');
  await chown(join(tree, 'var/log/postgresql'), POSTGRES_ID, POSTGRES_ID);
  await chown(join(tree, 'var/lib/postgresql'), POSTGRES_ID, POSTGRES_ID);
  await chown(join(tree, 'var/lib/redis'), REDIS_ID, REDIS_ID);
  await chmod(join(tree, 'var/lib/redis'), 0o750);
}

async function linkPrograms(tree, major) {
  const applets = (await run(join(tree, 'bin/busybox'), ['--list'])).split('\n').filter(Boolean);
  for (const applet of applets) {
    const taken = await Promise.all(['bin', 'sbin'].map((folder) => exists(join(tree, folder, applet))));
    if (!taken.includes(true)) await symlink('busybox', join(tree, 'bin', applet));
  }
  await replaceByLink(join(tree, 'sbin/init'), '../bin/busybox');
  for (const program of POSTGRES_PROGRAMS) {
    await replaceByLink(join(tree, 'usr/bin', program), `../lib/postgresql/${major}/bin/${program}`);
  }
}

async function writeAccounts(tree) {
  const users = [
    'root:x:0:0:root:/root:/bin/sh',
    'nobody:x:65534:65534:nobody:/nonexistent:/bin/false',
    `postgres:x:${POSTGRES_ID}:${POSTGRES_ID}:PostgreSQL:/var/lib/postgresql:/bin/sh`,
    `redis:x:${REDIS_ID}:${REDIS_ID}:Redis:/var/lib/redis:/bin/false`,
  ];
  const groups = ['root:x:0:', 'tty:x:5:', 'nogroup:x:65534:', `postgres:x:${POSTGRES_ID}:`, `redis:x:${REDIS_ID}:`];
  await writeFile(join(tree, 'etc/passwd'), `${users.join('\n')}\n`);
  await writeFile(join(tree, 'etc/group'), `${groups.join('\n')}\n`);
  // No password anywhere: nobody logs in, the prompt on the screen only shows that the machine has come up.
  await writeFile(join(tree, 'etc/shadow'), 'root:*:19000:0:99999:7:::\n', { mode: 0o600 });
}

/** A library that the deny-list took by mistake shows here, by name, instead of in a machine that does not answer. */
async function provePrograms(tree, major) {
  const postgres = `/usr/lib/postgresql/${major}/bin/postgres`;
  for (const program of [postgres, 'psql', 'pg_ctl', 'pg_controldata', 'pg_isready', 'redis-server', 'redis-cli']) {
    await run('chroot', [tree, program, '--version']);
  }
  await run('chroot', [tree, 'mkfs.ext4', '-V']); // makes the room for agents' output; knows no --version
}

/** What the unpacked programs call themselves. */
export async function programVersions(tree, major) {
  const ask = async (...command) => (await run('chroot', [tree, ...command])).split('\n')[0];
  const busybox = await ask('/bin/busybox');
  return {
    postgresql: /\d+\.\d+/.exec(await ask(`/usr/lib/postgresql/${major}/bin/postgres`, '--version'))?.[0] ?? major,
    redis: /v=(\S+)/.exec(await ask('redis-server', '--version'))?.[1] ?? 'unknown',
    busybox: /v(\S+)/.exec(busybox)?.[1] ?? 'unknown',
  };
}

async function replaceByLink(path, target) {
  await rm(path, { recursive: true, force: true });
  await symlink(target, path);
}

async function exists(path) {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
