// @ts-check
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { lastWords, run } from './command.mjs';

/** Where nothing answers within this, nothing will: the set-up goes on with the next source. */
const FIRST_BYTE_LIMIT_MS = 10_000;
/** 60 MB at 200 kB/s. */
const WHOLE_LIMIT_MS = 300_000;

/** @typedef {{ url: string, checksumsUrl: string, member: string }} Archive a gzipped tar and the program in it */

/**
 * Unpacks one program of a vendor's archive into a folder. The archive must have the digest that the vendor publishes.
 * @param {Archive} archive
 * @param {string} folder
 * @param {AbortSignal} signal
 */
export async function downloadProgram({ url, checksumsUrl, member }, folder, signal) {
  const sums = (await fetchBytes(checksumsUrl, signal)).toString('utf8');
  const bytes = await fetchBytes(url, signal);
  const name = basename(new URL(url).pathname);
  const found = createHash('sha256').update(bytes).digest('hex');
  const expected = publishedDigest(sums, name);
  if (found !== expected)
    throw new Error(`${url} has SHA-256 ${found}, the vendor says ${expected ?? 'nothing about it'}`);
  const file = join(folder, name);
  await writeFile(file, bytes);
  const tar = await run('tar', ['-xzf', file, '--strip-components', String(member.split('/').length - 1), member], {
    cwd: folder,
  });
  if (tar.code !== 0) throw new Error(`unpacking ${name} failed: ${lastWords(tar)}`);
}

/**
 * The digest of one file in the output format of sha256sum.
 * @param {string} sums
 * @param {string} name
 */
export function publishedDigest(sums, name) {
  for (const line of sums.split('\n')) {
    const [digest, file] = line.trim().split(/\s+\*?/);
    if (file === name) return digest;
  }
  return undefined;
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 */
async function fetchBytes(url, signal) {
  const tooSlow = new AbortController();
  let limit = setTimeout(() => tooSlow.abort(new Error('no first byte within 10 s')), FIRST_BYTE_LIMIT_MS);
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, tooSlow.signal]) });
    if (!response.ok || !response.body) throw new Error(`it answered ${response.status}`);
    /** @type {Uint8Array[]} */
    const chunks = [];
    for await (const chunk of response.body) {
      if (chunks.length === 0) {
        clearTimeout(limit);
        limit = setTimeout(() => tooSlow.abort(new Error('not whole within 5 min')), WHOLE_LIMIT_MS);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    throw new Error(`${new URL(url).host}: ${reasonOf(error)}`);
  } finally {
    clearTimeout(limit);
  }
}

/**
 * `fetch` says only "fetch failed"; why is in its cause.
 * @param {unknown} error
 */
function reasonOf(error) {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
