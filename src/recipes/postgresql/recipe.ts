import { z } from 'zod';
import type { Fact } from '../../contract/evidence.ts';
import type { FileReader } from '../../disk/file-reader.ts';
import { findPaths } from '../../disk/find-paths.ts';
import { guestText } from '../../disk/guest-text.ts';
import { FactName, PathPattern } from '../path-pattern.ts';
import type { Recipe } from '../recipe.ts';
import { PG_CONTROL_BYTES, readControlFile } from './control-file.ts';
import { readRecordedTables } from './recorded-tables.ts';

const Params = z.strictObject({
  /** Where clusters may lie. Debian and Ubuntu, then the packages of postgresql.org for Red Hat and its like. */
  dataDirectories: z
    .array(PathPattern)
    .min(1)
    .default(['/var/lib/postgresql/*/*', '/var/lib/pgsql/data', '/var/lib/pgsql/*/data']),
  port: z.int().min(1).max(65_535).default(5432),
  /** System user and database role of the probe; it needs no password over the local socket. */
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/)
    .default('postgres'),
  database: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/)
    .default('postgres'),
  /** Read-only questions by name; the first column of the first row becomes a fact of the verification. */
  probeQueries: z.record(FactName, z.string().min(1).max(8_192)).default({}),
});
type Params = z.output<typeof Params>;

export const postgresql: Recipe<Params> = {
  name: 'postgresql',
  params: Params,
  scripts: {
    detect: new URL('./detect.sh', import.meta.url),
    recovered: new URL('./recovered.sh', import.meta.url),
    probe: new URL('./probe.sh', import.meta.url),
    extract: new URL('./extract.sh', import.meta.url),
    agent: new URL('./agent.sh', import.meta.url),
    check: new URL('./check.sh', import.meta.url),
    load: new URL('./load.sh', import.meta.url),
  },
  library: [new URL('./rows.sql', import.meta.url)],
  objects: readRecordedTables,
  async cleanFact(disk: FileReader, { dataDirectories }: Params, signal: AbortSignal): Promise<Fact> {
    const facts: Fact[] = [];
    for (const pattern of dataDirectories) {
      for (const directory of await findPaths(disk, pattern, signal)) {
        const control = await disk.read(`${directory}/global/pg_control`, PG_CONTROL_BYTES, signal);
        if (control !== undefined) facts.push(clusterFact(directory, control));
      }
    }
    // The weakest cluster speaks for the machine.
    const worst = facts.find(({ verdict }) => verdict !== 'clean') ?? facts[0];
    return (
      worst ?? { name: 'postgresql clean', verdict: 'unknown', found: `no pg_control in ${dataDirectories.join(', ')}` }
    );
  },
};

function clusterFact(directory: string, bytes: Uint8Array): Fact {
  const control = readControlFile(bytes);
  const where = guestText(directory, 100);
  if (control === 'unknown-version') {
    return { name: 'postgresql clean', verdict: 'unknown', found: `pg_control of ${where} has an unknown version` };
  }
  if (control === 'damaged') {
    return { name: 'postgresql clean', verdict: 'unknown', found: `pg_control of ${where} fails its CRC` };
  }
  const verdict = control.isShutDown ? 'clean' : 'dirty';
  return { name: 'postgresql clean', verdict, found: `pg_control of ${where} says "${control.state}"` };
}
