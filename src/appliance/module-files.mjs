// @ts-check
// Plain JavaScript over Node's own modules: the set-up builds the guest image with it before anything is installed.
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

const run = promisify(execFile);
// A module has a few hundred KiB, XFS and btrfs up to 3 MiB.
const MODULE_BYTES = 64 << 20;

/**
 * @typedef {object} ModuleFiles
 * @property {ReadonlySet<string>} builtIn drivers that the kernel has without a module
 * @property {ReadonlyMap<string, string>} files path of each module
 */

/**
 * What a kernel brings along, by name.
 * @param {string} folder `lib/modules/<release>` of a kernel's package
 * @returns {Promise<ModuleFiles>}
 */
export async function findModules(folder) {
  const builtIn = (await readFile(join(folder, 'modules.builtin'), 'utf8')).split('\n').filter(Boolean);
  const paths = (await readdir(folder, { recursive: true })).filter((path) => /\.ko(\.(xz|zst|gz))?$/.test(path));
  return {
    builtIn: new Set(builtIn.map(moduleName)),
    files: new Map(paths.map((path) => [moduleName(path), join(folder, path)])),
  };
}

/**
 * The kernel treats - and _ in module names as one character.
 * @param {string} path
 */
function moduleName(path) {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}

/**
 * Names of the modules that must be loaded before this one: "depends=a,b" in its own .modinfo section, which ends each
 * entry with a zero byte.
 * @param {Buffer} bytes
 */
export function dependenciesOf(bytes) {
  const at = bytes.indexOf('\0depends=');
  if (at < 0) return [];
  const from = at + '\0depends='.length;
  return bytes.toString('latin1', from, bytes.indexOf(0, from)).split(',').filter(Boolean).map(moduleName);
}

/**
 * A module as the kernel loads it, uncompressed.
 * @param {string} path
 * @param {readonly string[]} unxz a command that writes what it unpacks to its standard output
 * @returns {Promise<Buffer>}
 */
export async function readModule(path, unxz = ['xz', '-dc']) {
  if (path.endsWith('.xz')) return unpacked(unxz, path);
  const bytes = await readFile(path);
  if (path.endsWith('.gz')) return zlib.gunzipSync(bytes);
  if (!path.endsWith('.zst')) return bytes;
  // Node reads zstd from 22.15 on; the set-up also runs on Node 20.
  return zlib.zstdDecompressSync ? zlib.zstdDecompressSync(bytes) : unpacked(['zstd', '-dc'], path);
}

/**
 * @param {readonly string[]} command
 * @param {string} path
 */
async function unpacked([program = '', ...args], path) {
  return (await run(program, [...args, path], { encoding: 'buffer', maxBuffer: MODULE_BYTES })).stdout;
}
