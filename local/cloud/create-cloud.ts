import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createCallLog } from './calls.ts';
import { type Cloud, openRecords } from './cloud.ts';
import { setLedgerPort } from './control/server.ts';
import { Machines } from './machines/machines.ts';
import type { Settings } from './settings.ts';
import { recoverCaptures } from './storage/capture.ts';
import { FOLDERS } from './storage/layout.ts';
import { SnapshotWorks } from './storage/snapshot-works.ts';
import { finishVolumes } from './storage/volume-files.ts';
import { Store } from './store.ts';

/** Opens the state and takes up everything that was under way. The working directory must be `stateDir`. */
export async function openCloud(stateDir: string, settings: Settings): Promise<Cloud> {
  for (const folder of FOLDERS) mkdirSync(join(stateDir, folder), { recursive: true });
  const store = new Store(join(stateDir, 'cloud.sqlite'));
  const base = { settings, stateDir, secret: readSecret(store), store, now: Date.now, db: openRecords(store) };
  const calls = createCallLog(store, base.now);
  const snapshots = new SnapshotWorks(base);
  const cloud: Cloud = {
    ...base,
    calls,
    snapshots,
    get machines(): Machines {
      return machines;
    },
  };
  const machines = new Machines(cloud);
  if (settings.ledgerPort !== undefined) setLedgerPort(settings.ledgerPort);
  // Machines first: whether a capture happened is asked of them. Then ends, since they may shorten chains.
  await machines.adopt();
  await recoverCaptures(cloud);
  finishVolumes(cloud);
  snapshots.recover();
  await machines.resume();
  return cloud;
}

function readSecret(store: Store): string {
  const known = store.readFact('secret');
  if (typeof known === 'string') return known;
  const secret = randomBytes(32).toString('hex');
  store.writeFact('secret', secret);
  return secret;
}
