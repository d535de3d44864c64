import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

type Library = typeof import('../../src/vault/index.ts');

/** The vault library as users get it, and the vault that a child of the bench was told to use. */
export async function openBenchVault({
  roles,
  verifySealed = true,
}: {
  readonly roles: Parameters<Library['openVault']>[0]['roles'];
  readonly verifySealed?: boolean;
}) {
  const [dist = '', url = '', keyFile = '', argument = ''] = process.argv.slice(2);
  const library: Library = await import(pathToFileURL(join(dist, 'vault', 'index.js')).href);
  const { openKeyService, openStore, openVault, systemClock: clock, systemRandomBytes: randomBytes } = library;
  const signal = new AbortController().signal;
  const keys = openKeyService(pathToFileURL(keyFile).href, { randomBytes });
  const store = openStore(url, { clock });
  const vault = await openVault({ store, keys, roles, clock, randomBytes, signal, verifySealed });
  return { library, vault, signal, argument, dist };
}
