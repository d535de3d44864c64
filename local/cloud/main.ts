import { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createControlServer } from './control/server.ts';
import { openCloud } from './create-cloud.ts';
import { identify } from './machines/process-identity.ts';
import { createApiServer } from './server.ts';
import { readSettings } from './settings.ts';
import type { Store } from './store.ts';

/** `node local/cloud/main.ts --state DIR [--settings FILE]`; one line of JSON on standard output when it is ready. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { state: { type: 'string' }, settings: { type: 'string' } } });
  if (values.state === undefined) throw new Error('--state DIR is missing');
  const stateDir = resolve(values.state);
  mkdirSync(stateDir, { recursive: true });
  const settingsFile = join(stateDir, 'settings.json');
  if (values.settings !== undefined && resolve(values.settings) !== settingsFile)
    copyFileSync(values.settings, settingsFile);
  if (!existsSync(settingsFile))
    throw new Error(`--settings FILE is missing and ${stateDir} holds none from an earlier start`);
  const settings = readSettings(settingsFile);
  process.chdir(stateDir); // socket paths are relative: an address holds at most 107 bytes
  const cloud = await openCloud(stateDir, settings);
  const endpoint = await listen(createApiServer(cloud), cloud.store, 'endpoint-port');
  const control = await listen(createControlServer(cloud), cloud.store, 'control-port');
  const ready = JSON.stringify({ endpoint, control, ...identify(process.pid) });
  writeFileSync('cloud.json.new', `${ready}\n`);
  renameSync('cloud.json.new', 'cloud.json');
  process.stdout.write(`${ready}\n`);
}

/** The port of the last start, so that clients survive a restart; a free one the first time. */
async function listen(server: Server, store: Store, fact: string): Promise<string> {
  // Clients keep connections for long; the default of 5 s makes them race with our closing.
  server.keepAliveTimeout = 120_000;
  const known = store.readFact(fact);
  const port = await new Promise<number>((done, reject) => {
    server.once('error', reject);
    server.listen(typeof known === 'number' ? known : 0, '127.0.0.1', () => {
      const address = server.address();
      done(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  store.writeFact(fact, port);
  return `http://127.0.0.1:${port}`;
}

process.on('SIGTERM', () => process.exit(0)); // everything is on disk, machines live on
process.on('SIGINT', () => process.exit(0));
await main();
