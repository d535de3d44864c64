import { FilesRequest } from '../contract/restore-request.ts';
import type { FilesResult } from '../contract/results.ts';
import { ConfigurationError } from '../errors.ts';
import type { CliDeps } from './deps.ts';
import { followRun } from './follow-run.ts';
import { formatBytes } from './format.ts';
import { invalidInput } from './invalid-input.ts';
import { jsonLines } from './json-lines.ts';
import { findPointId } from './latest-point.ts';
import { terminalText } from './terminal-text.ts';

export interface FilesWorkflowOptions {
  readonly workflow: string;
  readonly vault?: string;
  readonly machine?: string;
  readonly volume?: readonly string[];
  readonly detach?: true;
  readonly json?: true;
}

/** `files get --workflow`: a mover writes the files, and the terminal may close. */
export async function restoreByWorkflow(
  wanted: { readonly pointId: string; readonly path: string },
  options: FilesWorkflowOptions,
  deps: CliDeps,
): Promise<void> {
  const request = readRequest({ ...wanted, pointId: await findPointId(wanted.pointId, options, deps) }, options);
  const what = `files of ${request.pointId}`;
  const backups = await deps.openBackups();
  try {
    const run = await backups.startFiles(request, deps.newRequestId());
    deps.stderr.write(`${what}: ${run.workflowId}${run.link ? `\n  follow it: ${run.link}` : ''}\n`);
    if (options.detach) {
      if (options.json) jsonLines(deps.stdout).result({ workflowId: run.workflowId, detached: true });
      return;
    }
    const result = await followRun(run, what, deps, options);
    if (options.json) jsonLines(deps.stdout).result(result);
    else deps.stdout.write(describe(result));
  } finally {
    await backups.close();
  }
}

function readRequest(
  wanted: { readonly pointId: string; readonly path: string },
  { workflow: into, vault, volume }: FilesWorkflowOptions,
): FilesRequest {
  // Workers know vaults by name only: their URLs and keys stand in the configuration.
  if (vault?.includes('://')) throw new ConfigurationError('InvalidInput', '--workflow takes a vault by its name');
  const named = { ...(vault !== undefined && { vault }), ...(volume !== undefined && { volumeIds: [...volume] }) };
  const parsed = FilesRequest.safeParse({ ...wanted, into, ...named });
  if (parsed.success) return parsed.data;
  throw invalidInput(parsed.error);
}

function describe({ pointId, path, folder, host, problems, named, ...counts }: FilesResult): string {
  const { files, folders, links, bytes } = counts;
  return [
    `restored      ${terminalText(path)} of ${pointId}: ${files} files, ${folders} folders, ${links} links, ${formatBytes(bytes)}`,
    `folder        ${folder} on ${host}`,
    ...named.map((one) => `left out      ${terminalText(`${one.path}: ${one.problem}`)}`),
    ...(problems > named.length ? [`and ${problems - named.length} more`] : []),
    '',
  ].join('\n');
}
