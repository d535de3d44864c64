import { Command, Option } from 'commander';
import { ConfigurationError, VaultError } from '../errors.ts';
import { visibleText } from '../report/visible-text.ts';
import type { Inspection, SealedContent, Vault } from '../vault/index.ts';
import type { CliDeps } from './deps.ts';
import { jsonLines } from './json-lines.ts';
import { addKeyOptions, findKeys, type KeyOptions, openStoreAt, openVaultAt } from './vault-access.ts';
import { writeBytes } from './write-bytes.ts';

type InspectOptions = KeyOptions & { readonly json?: true; readonly raw?: true };
type Inspected = Inspection & { readonly bytes: number };

export function vaultInspectCommand(deps: CliDeps): Command {
  const command = new Command('inspect')
    .description('print any object of a vault readably; without a key what is public, and that nothing was proven')
    .argument('<vault-url>', 's3://bucket/prefix or file:///folder')
    .argument('<key>', 'of the object, such as points/<id>.json or runs/<id>/packs/<id>.pack')
    .addOption(new Option('--raw', 'of evidence: what was sealed, as it is').conflicts('json'))
    .option('--json', 'one result as JSON');
  return addKeyOptions(command).action(async (url: string, key: string, options: InspectOptions) => {
    const { inspectObject } = await import('../vault/index.ts');
    const vault = (await findKeys(options)) && (await openReadable(url, options, deps));
    try {
      const found = await inspectObject({ store: await openStoreAt(url), key, vault, signal: deps.signal });
      if (options.raw) await writeBytes(deps.stdout, mustHaveContent(key, found), deps.signal);
      else if (options.json) jsonLines(deps.stdout).result({ key, ...asJson(found) });
      else deps.stdout.write(`${describe(key, found).join('\n')}\n`);
    } finally {
      await vault?.close();
    }
  });
}

/** Bytes of a machine: they steer terminals, so only who asks for them gets them. */
function mustHaveContent(
  key: string,
  { kind, verdict, reason = 'it holds nothing but what is shown', sealed }: Inspected,
) {
  if (sealed?.content) return sealed.content.bytes;
  const refuted = verdict === 'refuted';
  const said = `--raw: ${key} (${kind}, ${verdict}): ${reason}`;
  throw refuted ? new VaultError('ObjectDamaged', said) : new ConfigurationError('InvalidInput', said);
}

/** With as many roots as the key opens: the meta root alone shows all but blocks and evidence. */
async function openReadable(url: string, keys: KeyOptions, { signal }: CliDeps): Promise<Vault> {
  try {
    return await openVaultAt({ url, keys, roles: ['data', 'meta'], signal });
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== 'KeyUnusable') throw error;
    return openVaultAt({ url, keys, roles: ['meta'], signal });
  }
}

function asJson({ sealed, ...found }: Inspected) {
  if (!sealed) return found;
  const { content, ...rest } = sealed;
  return { ...found, sealed: content ? { ...rest, base64: Buffer.from(content.bytes).toString('base64') } : rest };
}

function describe(key: string, { kind, verdict, reason, bytes, readable, sealed }: Inspected): readonly string[] {
  const why = reason === undefined ? '' : `: ${visibleText(reason, LONGEST_LINE)}`;
  return [
    `object    ${key}`,
    `kind      ${kind}, ${bytes} bytes`,
    `verdict   ${verdict}${why}`,
    ...section('readable', readable),
    ...(sealed ? describeSealed(sealed) : []),
  ];
}

function describeSealed({ fields, tables, content }: SealedContent): string[] {
  const lines = section('sealed', fields);
  for (const [name, rows] of Object.entries(tables)) lines.push('', `${name}:`, ...table(rows));
  if (content) lines.push('', 'content:', ...describeContent(content));
  return lines;
}

// Readable JSON, in which nothing of what a guest or a tag wrote can steer the terminal.
function section(name: string, value: object): string[] {
  const text = JSON.stringify(value, null, 2).split('\n');
  return ['', `${name}:`, ...text.map((line) => visibleText(line, LONGEST_LINE))];
}

function table(rows: readonly Readonly<Record<string, string | number>>[]): string[] {
  const columns = Object.keys(rows[0] ?? {});
  const widths = columns.map((name) =>
    Math.max(name.length, ...rows.slice(0, 1000).map((row) => `${row[name]}`.length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(columns), ...rows.map((row) => line(columns.map((name) => `${row[name]}`)))].map(
    // Names of files and tables are a guest's.
    (text) => `  ${visibleText(text, LONGEST_LINE)}`,
  );
}

const LONGEST_LINE = 4000;
const HEX_BYTES = 256;

function describeContent({ contentType, bytes }: NonNullable<SealedContent['content']>): string[] {
  if (/^text\/|json/.test(contentType)) {
    const lines = new TextDecoder().decode(bytes).split(/\r*\n/);
    return lines.map((line) => `  ${visibleText(line, LONGEST_LINE)}`);
  }
  const start = Buffer.from(bytes.subarray(0, HEX_BYTES)).toString('hex');
  const lines = start.match(/.{1,64}/g) ?? [];
  return [...lines.map((line) => `  ${line}`), '  the whole of it: --raw'];
}
