/**
 * What a collection holds in memory: as many packs as asked for, of a thousand runs that were abandoned, so that all are
 * condemned. Only the listing is made up; survey, judgement and the plan's pages are the product's.
 * `node bench/vault/collection-memory.ts <packs> <key file>` prints the largest resident size.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createFileKeyService } from '../../src/vault/file/file-keys.ts';
import {
  fenceRun,
  type IsDead,
  initVault,
  openVault,
  planCollection,
  surveyVault,
  systemClock,
  systemRandomBytes,
} from '../../src/vault/index.ts';
import type { ObjectStore } from '../../src/vault/object-store.ts';
import { memoryStore } from '../../test/support/vault-memory-store.ts';

const [packs = '0', keyFile = ''] = process.argv.slice(2);
const RUNS = 1000;
const signal = new AbortController().signal;
const keys = createFileKeyService(fileURLToPath(new URL(keyFile, `file://${process.cwd()}/`)), systemRandomBytes);
const inner = memoryStore(new Map(), { kind: 'plain', clock: systemClock });
let condemned = 0;

const store: ObjectStore = {
  ...inner,
  async *list(prefix, ours) {
    if (prefix === 'runs/') yield* listing(Number(packs));
    else yield* inner.list(prefix, ours);
  },
  // A plan of millions of objects is read by nobody here, and would be measured with what is held.
  async create(key, body, ours) {
    if (!key.startsWith('gc/')) return inner.create(key, body, ours);
    condemned += key.includes('condemned') ? 1 : 0;
  },
};

function* listing(count: number) {
  for (let n = 0; n < count; n++) {
    const runId = runIdOf(n % RUNS);
    const id = createHash('sha256').update(`${n}`).digest('hex');
    yield { key: `runs/${runId}/packs/${id}.pack`, bytes: 33_554_432 };
  }
}

function runIdOf(n: number): string {
  return `20260101T000000Z-${n.toString(16).padStart(8, '0')}`;
}

const request = { store, keys, clock: systemClock, randomBytes: systemRandomBytes, signal };
await initVault(request);
const vault = await openVault({ ...request, roles: ['meta', 'control'] });
for (let n = 0; n < RUNS; n++) await fenceRun({ vault, runId: runIdOf(n), reason: 'bench', signal });
const isDead: IsDead = async () => undefined;
const survey = await surveyVault({ vault, isDead, signal });
const plan = await planCollection({ vault, gcId: '20260101T000000Z-000000aa', survey, toolVersion: 'bench', signal });
await vault.close();
const { user, system } = process.cpuUsage();
const rssMebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
const seconds = Math.round((user + system) / 1e5) / 10;
process.stdout.write(
  `${JSON.stringify({ packs: Number(packs), rssMebibytes, cpuSeconds: seconds, deletes: plan.deletes, pages: condemned })}\n`,
);
