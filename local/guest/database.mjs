import { appendFile, chmod, chown, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.mjs';
import { POSTGRES_ID } from './rootfs.mjs';

/**
 * Creates the PostgreSQL cluster with its database natively, in a chroot: inside an emulated machine initdb takes
 * minutes. fsync is off only here; the clean shutdown at the end leaves nothing that a crash could lose.
 */
export async function makeDatabase({ tree, major, sources }) {
  const data = `/var/lib/postgresql/${major}/main`;
  const programs = `/usr/lib/postgresql/${major}/bin`;
  const postgres = (program, ...args) =>
    run('chroot', [`--userspec=${POSTGRES_ID}:${POSTGRES_ID}`, '--groups=', tree, program, ...args]);
  await makeDevices(tree);
  await mkdir(join(tree, 'run/postgresql'), { recursive: true });
  await chown(join(tree, 'run/postgresql'), POSTGRES_ID, POSTGRES_ID);
  await run('install', [
    '-d',
    '-o',
    `${POSTGRES_ID}`,
    '-g',
    `${POSTGRES_ID}`,
    join(tree, `var/lib/postgresql/${major}`),
  ]);
  const locale = ['--locale=C.UTF-8', '-E', 'UTF8'];
  // -k: page checksums, so that a damaged page of a restored database is noticed when it is read.
  await postgres(`${programs}/initdb`, '-D', data, '--no-sync', '-k', '-U', 'postgres', '--auth=peer', ...locale);
  await appendFile(join(tree, data, 'postgresql.conf'), `include '/etc/postgresql.conf'\n`);
  await copyFile(join(sources, 'pg_hba.conf'), join(tree, data, 'pg_hba.conf'));
  // Over the socket only: a build that runs beside a host's own PostgreSQL must not touch its port.
  const forBuild = "-c fsync=off -c listen_addresses='' -c unix_socket_directories=/run/postgresql";
  const control = [`${programs}/pg_ctl`, '-w', '-s', '-D', data];
  await postgres(...control, '-o', forBuild, '-l', '/var/log/postgresql/build.log', 'start');
  try {
    await copyFile(join(sources, 'bank.sql'), join(tree, 'tmp/bank.sql'));
    await postgres(
      `${programs}/psql`,
      '-X',
      '-q',
      '-v',
      'ON_ERROR_STOP=1',
      '-h',
      '/run/postgresql',
      '-d',
      'postgres',
      '-f',
      '/tmp/bank.sql',
    );
  } finally {
    await postgres(...control, '-m', 'fast', 'stop');
  }
  for (const name of ['tmp/bank.sql', 'var/log/postgresql/build.log']) await rm(join(tree, name), { force: true });
}

async function makeDevices(tree) {
  const dev = join(tree, 'dev');
  await mkdir(join(dev, 'shm'), { recursive: true });
  await chmod(join(dev, 'shm'), 0o1777);
  await run('mknod', ['-m', '666', join(dev, 'null'), 'c', '1', '3']);
  await run('mknod', ['-m', '666', join(dev, 'urandom'), 'c', '1', '9']);
}

/** What the kernel and init need before devtmpfs is mounted, and nothing of the build. */
export async function makeBootDevices(tree) {
  for (const name of ['run', 'dev']) {
    await rm(join(tree, name), { recursive: true, force: true });
    await mkdir(join(tree, name));
  }
  await run('mknod', ['-m', '600', join(tree, 'dev/console'), 'c', '5', '1']);
  await run('mknod', ['-m', '666', join(tree, 'dev/null'), 'c', '1', '3']);
}

/** Moves the cluster out of the root tree: it is the whole content of the data volume. */
export async function moveDatabase({ tree, major, target }) {
  await mkdir(target, { recursive: true });
  await rename(join(tree, 'var/lib/postgresql', major), join(target, major));
  await chown(target, POSTGRES_ID, POSTGRES_ID);
}
