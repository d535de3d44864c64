import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTemporal } from '../../local/servers/temporal.ts';
import { KEYWORD_ATTRIBUTES, SHARED_TEMPORAL } from './temporal-server.ts';

/** More than there are files that ask; one that finds none left starts a server of its own. */
const NAMESPACES = Array.from({ length: 16 }, (_, n) => `file-${n}`);

/** One Temporal server for the integration tests: starting one takes 3 s of processor time, and a dozen files need one. */
export async function setup(): Promise<() => Promise<void>> {
  const stateDir = await mkdtemp(join(tmpdir(), 'understudy-shared-temporal-'));
  const { address, stop } = await startTemporal({
    stateDir,
    headless: true,
    searchAttributes: KEYWORD_ATTRIBUTES,
    furtherNamespaces: NAMESPACES,
  });
  process.env[SHARED_TEMPORAL] = JSON.stringify({ address, stateDir, namespaces: NAMESPACES });
  return async () => {
    delete process.env[SHARED_TEMPORAL];
    await stop();
    await rm(stateDir, { recursive: true, force: true });
  };
}
