import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ConfigurationError } from '../src/errors.ts';

const Path = z.string().startsWith('/');

const Program = z.object({ path: Path, version: z.string() });

/** What `setup/main.mjs` found or made on this machine. */
const Toolchain = z.object({
  /** A Node that runs TypeScript. */
  node: Path,
  /** The oldest Node that the package's main export supports. */
  oldestNode: Path,
  qemu: z.object({ system: Path, img: Path, version: z.string() }),
  /** Decided by a trial boot; `tcg` is software emulation. */
  accel: z.enum(['kvm', 'tcg']),
  temporal: Program,
  versitygw: Program,
  /** A Python that can import boto3. */
  boto3Python: Path,
  chromium: Path,
  /** Raw disk images, which are bases: copied or overlaid, never booted themselves. */
  guest: z.object({
    dir: Path,
    root: Path,
    data: Path,
    busybox: Path,
    key: z.string(),
    postgresqlMajor: z.string(),
    versions: z.record(z.string(), z.string()),
  }),
});
export type Toolchain = Readonly<z.infer<typeof Toolchain>>;

const FILE = fileURLToPath(new URL('../.understudy/toolchain.json', import.meta.url));
const REMEDY = 'run "npm run setup"';

/** Reads what the set-up has written; `file` is another place to read it from. */
export function readToolchain(file: string = FILE): Toolchain {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigurationError('InvalidConfiguration', `This folder is not set up (no ${file}): ${REMEDY}.`, {
      cause,
    });
  }
  const parsed = Toolchain.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw new ConfigurationError(
    'InvalidConfiguration',
    `${file} was written by another version of the set-up (${fields.join('; ')}): ${REMEDY}.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema names it as invalid
  }
}
