import { execFile } from 'node:child_process';
import { access, copyFile, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PlatformError, VaultError } from '../errors.ts';
import { makeFolders } from '../make-folders.ts';
import { mustExist } from './find-programs.ts';
import type { Firmware, OverlaidDisk } from './machine-arguments.ts';

const run = promisify(execFile);
/** Says of which point the overlays are: on another they would be noise. */
const MARKER = 'point.json';
/** Debian's ovmf, newest layout first; code and variables of one size belong together. */
const OVMF = [
  { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { code: '/usr/share/OVMF/OVMF_CODE.fd', variables: '/usr/share/OVMF/OVMF_VARS.fd' },
];

/**
 * Makes the folder, or takes one that is empty or holds overlays of this point, and marks it. TargetExists for any other,
 * because what a machine wrote is discarded with its folder.
 */
export async function claimFolder(folder: string, pointId: string): Promise<void> {
  await makeFolders(folder, { mode: 0o700 });
  const names = await readdir(folder);
  const marker = join(folder, MARKER);
  if (names.length === 0) return writeFile(marker, `${JSON.stringify({ pointId })}\n`);
  if (names.includes(MARKER) && pointOf(await readFile(marker, 'utf8')) === pointId) return;
  const message = `${folder} holds something else than overlays of ${pointId}; name another folder`;
  throw new VaultError('TargetExists', message, { context: { path: folder } });
}

/** Undefined: not as we write it. */
function pointOf(marker: string): unknown {
  try {
    const found: unknown = JSON.parse(marker);
    return typeof found === 'object' && found && 'pointId' in found ? found.pointId : undefined;
  } catch {
    return undefined;
  }
}

export interface OverlayRequest {
  /** A claimed one. */
  readonly folder: string;
  readonly disks: readonly { readonly volumeId: string; readonly volumeBytes: number; readonly uri: string }[];
  readonly qemuImg: string;
  readonly signal: AbortSignal;
}

/**
 * One overlay per disk, which takes what the machine writes. Repeatable: overlays that are there go on where an earlier
 * machine left them.
 */
export async function ensureOverlays(request: OverlayRequest): Promise<OverlaidDisk[]> {
  const { folder, disks, qemuImg, signal } = request;
  const overlaid: OverlaidDisk[] = [];
  for (const { volumeId, volumeBytes, uri } of disks) {
    const overlay = join(folder, `${volumeId}.qcow2`);
    if (!(await exists(overlay))) {
      // -u: the header names the block device for people who look at it, and nothing is opened to write that down.
      const args = ['create', '-q', '-f', 'qcow2', '-u', '-b', uri, '-F', 'raw', `${overlay}.new`, String(volumeBytes)];
      await run(qemuImg, args, { signal }).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new PlatformError('MachineFailed', `qemu-img made no overlay: ${String(cause)}`, { cause });
      });
      await rename(`${overlay}.new`, overlay);
    }
    overlaid.push({ volumeId, exportName: volumeId, overlay });
  }
  return overlaid;
}

/** UEFI firmware with variables of this machine's own. */
export async function ensureUefi(folder: string): Promise<Firmware> {
  const [newest] = OVMF;
  for (const { code, variables } of OVMF) {
    if (!(await exists(code))) continue;
    const own = join(folder, 'uefi-variables.fd');
    if (!(await exists(own))) await copyFile(await mustExist(variables, 'ovmf'), own);
    return { code, variables: own };
  }
  await mustExist(newest?.code ?? 'OVMF', 'ovmf');
  throw new TypeError('unreachable: a firmware that exists was found above');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
