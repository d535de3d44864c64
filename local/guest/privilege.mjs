import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { GuestBuildError } from './command.mjs';

/** chroot, chown and mknod are the superuser's; a container's root will do. */
export function mayBuild() {
  return process.getuid?.() === 0;
}

/** Repeats the build under sudo when that asks for no password; the finished images are handed to the caller. */
export async function buildAsRoot({ cacheDir, report }) {
  const main = fileURLToPath(new URL('main.mjs', import.meta.url));
  const owner = `${process.getuid?.()}:${process.getgid?.()}`;
  report('building the guest image needs root: trying sudo');
  const code = await new Promise((resolve) => {
    const args = ['-n', process.execPath, main, '--cache-dir', cacheDir, '--owner', owner];
    const child = spawn('sudo', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', () => resolve(127));
    child.on('close', resolve);
  });
  if (code === 0) return;
  throw new GuestBuildError(
    `guest image: building it needs root (chroot, chown, mknod) and "sudo -n" did not work (${code}); ` +
      `run this once as root, then try again: ${process.execPath} ${main} --cache-dir ${cacheDir} --owner ${owner}`,
  );
}
