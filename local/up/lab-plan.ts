import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Key = z.strictObject({ name: z.string(), accessKeyId: z.string(), secretAccessKey: z.string() });

/** What is decided once for a lab and never changes: everything else is found by asking the lab itself. */
const LabPlan = z.strictObject({
  region: z.string(),
  zone: z.string(),
  accountId: z.string(),
  /** The person's own key, and one for each role of the product's workers. */
  keys: z.strictObject({ admin: Key, control: Key, mover: Key }),
  deploymentId: z.uuid(),
  bucket: z.string(),
  prefix: z.string(),
});
export type LabPlan = z.output<typeof LabPlan>;
export type LabRole = keyof LabPlan['keys'];

const file = (stateDir: string) => join(stateDir, 'lab.json');

/** Reads the plan, or makes it in a folder that has none. */
export function ensureLabPlan(stateDir: string): LabPlan {
  const found = findLabPlan(stateDir);
  if (found) return found;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const plan: LabPlan = {
    region: 'local-1',
    zone: 'local-1a',
    accountId: '000000000000',
    keys: { admin: newKey('admin'), control: newKey('control'), mover: newKey('mover') },
    deploymentId: randomUUID(),
    bucket: 'understudy-vault',
    prefix: 'main',
  };
  // By a rename: whoever is killed here leaves no half of a plan whose keys nobody knows.
  writeFileSync(`${file(stateDir)}.new`, `${JSON.stringify(plan, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file(stateDir)}.new`, file(stateDir));
  return plan;
}

/** Undefined where no lab was ever started. */
export function findLabPlan(stateDir: string): LabPlan | undefined {
  let text: string;
  try {
    text = readFileSync(file(stateDir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return LabPlan.parse(JSON.parse(text));
}

function newKey(name: string): z.output<typeof Key> {
  // The form of an IAM key id, so that nothing that checks forms stumbles.
  const accessKeyId = `AKIA${randomBytes(10).toString('hex').toUpperCase().slice(0, 16)}`;
  return { name, accessKeyId, secretAccessKey: randomBytes(20).toString('hex') };
}
