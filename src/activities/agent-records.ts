import { z } from 'zod';
import type { AgentRecord } from '../contract/evidence.ts';
import { FormatError } from '../errors.ts';
import type { MachineFacts as MachineRecord } from '../vault/index.ts';

/** A fact of the manifest holds 16,384 characters (docs/vault-format.md 5.3). */
const PIECE = 16_000;
const NAME = 'agents';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const RecordedAgent = z.strictObject({
  recipe: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
  exitStatus: z.int(),
  startedAt: z.string().max(40),
  endedAt: z.string().max(40),
  log: z.strictObject({ bytes: z.int(), sha256: Sha256 }),
  output: z.strictObject({ files: z.int(), bytes: z.int(), listSha256: Sha256 }).nullable(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

/** What the manifest keeps of the agents: measures, digests and their own counts, which a loaded output must reach again. */
export function recordAgents(records: readonly AgentRecord[]): Record<string, string> {
  if (records.length === 0) return {};
  const text = JSON.stringify(records);
  const pieces: Record<string, string> = {};
  for (let at = 0; at < text.length; at += PIECE) pieces[`${NAME}.${at / PIECE}`] = text.slice(at, at + PIECE);
  return pieces;
}

/** The records again. A FormatError when they are not what `recordAgents` makes. */
export function readAgents(facts: MachineRecord['facts']): readonly AgentRecord[] {
  let text = '';
  for (let n = 0; typeof facts[`${NAME}.${n}`] === 'string'; n++) text += facts[`${NAME}.${n}`];
  if (text === '') return [];
  try {
    return z.array(RecordedAgent).parse(JSON.parse(text));
  } catch (cause) {
    throw new FormatError("The manifest's records of agents cannot be read. Verify another point.", { cause });
  }
}
