// @ts-check
import { SetupError } from './failure.mjs';

/**
 * @typedef {{ id: 'debian' | 'ubuntu', version: string, name: string, prettyName: string, tested: boolean }} Release
 */

/** Debian 12 is where the set-up is tested; the others offer the same packages under the same names. */
const SUPPORTED = [
  { id: /** @type {const} */ ('debian'), version: '12', name: 'Debian 12', tested: true },
  { id: /** @type {const} */ ('debian'), version: '13', name: 'Debian 13', tested: false },
  { id: /** @type {const} */ ('ubuntu'), version: '24.04', name: 'Ubuntu 24.04', tested: false },
];

const REMEDY = `run it on ${SUPPORTED.map(({ name }) => name).join(', ')} (x86-64), for example in a virtual machine`;

/**
 * Decides from what the machine says about itself whether the set-up can work there.
 * @param {{ platform: string, arch: string, osRelease: string | undefined }} machine
 * @returns {Release}
 */
export function requireSupported({ platform, arch, osRelease }) {
  if (platform !== 'linux' || arch !== 'x64') {
    throw new SetupError(`The local cloud runs on Linux x86-64 and this is ${platform} ${arch}`, REMEDY);
  }
  const fields = parseOsRelease(osRelease ?? '');
  const release = SUPPORTED.find(({ id, version }) => fields.ID === id && fields.VERSION_ID === version);
  if (release) return { ...release, prettyName: fields.PRETTY_NAME ?? release.name };
  throw new SetupError(`This is ${fields.PRETTY_NAME ?? 'an unknown Linux'}, which the set-up does not know`, REMEDY);
}

/**
 * os-release(5): shell-like assignments, values quoted or not.
 * @param {string} text
 * @returns {Record<string, string>}
 */
export function parseOsRelease(text) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z0-9_]+)=(["']?)(.*)\2$/.exec(line.trim());
    if (match?.[1] !== undefined && match[3] !== undefined) fields[match[1]] = match[3];
  }
  return fields;
}
