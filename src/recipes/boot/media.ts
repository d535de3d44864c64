import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { RunId } from '../../contract/names.ts';
import { ConfigurationError } from '../../errors.ts';
import type { AgentPlan, BootMedia, BootPlan, ExtractPlan } from '../boot-plan.ts';
import { FactName } from '../path-pattern.ts';
import type { Recipe } from '../recipe.ts';
import { type FindRecipe, findRecipe } from '../registry.ts';
import { readRecipeFiles } from './recipe-files.ts';
import { addPartition, encodeHeader, MAX_PAYLOAD_BYTES, SCRATCH_MAGIC } from './scratch-layout.ts';
import { readScript } from './scripts.ts';
import { encodeTar } from './tar.ts';
import { encodeUserData } from './user-data.ts';

/** What a recipe's script may not exceed; the rest of the watchdog is for writing results. */
const PROBE_SECONDS = 600;

/** User data and scratch volume for one machine; the same plan always gives the same bytes. */
export async function assembleBootMedia(plan: BootPlan, find: FindRecipe = findRecipe): Promise<BootMedia> {
  const runId = RunId.parse(plan.runId);
  const files = new Map<string, Uint8Array>();
  const put = (name: string, text: string) => files.set(name, new TextEncoder().encode(text));
  put('plan/role', `${plan.role}\n`);
  put('plan/recipes', plan.recipes.map(({ name }) => `${name}\n`).join(''));
  put('plan/recover-seconds', `${Math.ceil(plan.recoverMs / 1000)}\n`);
  put('plan/stop-seconds', `${Math.ceil(plan.stopMs / 1000)}\n`);
  put('plan/probe-seconds', `${PROBE_SECONDS}\n`);
  files.set('lib.sh', await readFile(new URL('./lib.sh', import.meta.url)));
  for (const { name, params } of plan.recipes) {
    for (const [path, bytes] of await readRecipeFiles(find(name), params)) files.set(path, bytes);
  }
  if (plan.agents?.wrote) await putLoads(files, plan.agents);
  else if (plan.agents)
    await putAgents(
      files,
      plan.agents,
      plan.recipes.map(({ name }) => find(name)),
    );
  if (plan.extract) await putExtract(files, plan.extract);
  const payload = encodeTar(files);
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new ConfigurationError(
      'InvalidConfiguration',
      `Scripts and parameters of the recipes take ${payload.length} bytes, the scratch volume has room for ${MAX_PAYLOAD_BYTES}. Shorten their parameters.`,
    );
  }
  const sha256 = createHash('sha256').update(payload).digest('hex');
  const header = encodeHeader(SCRATCH_MAGIC, { runId, bytes: payload.length, sha256 });
  if (plan.agents) addPartition(header, plan.agents.region);
  const userData = encodeUserData(plan.channel === 'run-command' ? undefined : await readScript('boot.sh', runId));
  return { userData, scratch: Buffer.concat([header, payload]) };
}

const MIB_OF_GIB = 1_024;

/** The request as files, so that no name is ever part of a shell text. */
async function putExtract(files: Map<string, Uint8Array>, { recipe, request, extractMs, region }: ExtractPlan) {
  const put = (name: string, text: string) => files.set(name, new TextEncoder().encode(text));
  put('plan/extract', `${recipe}\n`);
  put('plan/extract-seconds', `${Math.ceil(extractMs / 1000)}\n`);
  put('plan/extract-at-mib', `${region.fromGiB * MIB_OF_GIB}\n`);
  for (const [field, value] of Object.entries(request)) put(`request/${FactName.parse(field)}`, value);
  files.set('extract.sh', await readFile(new URL('./extract.sh', import.meta.url)));
}

/** The harvest: recipes with an agent, in the configuration's order. */
async function putAgents(files: Map<string, Uint8Array>, { agentMs }: AgentPlan, recipes: readonly Recipe[]) {
  const named = recipes.filter(({ scripts }) => scripts.agent !== undefined).map(({ name }) => `${name}\n`);
  files.set('plan/agents', new TextEncoder().encode(named.join('')));
  await putSteps(files, agentMs, 'harvest.sh');
}

/** What the point records of each output, as files: nothing of it becomes part of a shell text. */
async function putLoads(files: Map<string, Uint8Array>, { agentMs, wrote }: AgentPlan): Promise<void> {
  const put = (name: string, text: string) => files.set(name, new TextEncoder().encode(`${text}\n`));
  const records = wrote?.records ?? [];
  put('plan/output-of', RunId.parse(wrote?.pointId));
  files.set('plan/outputs', new TextEncoder().encode(records.map(({ recipe }) => `${recipe}\n`).join('')));
  for (const { recipe, output, facts } of records) {
    put(`recipes/${recipe}/recorded/list-sha256`, output?.listSha256 ?? 'none');
    put(`recipes/${recipe}/recorded/files`, String(output?.files ?? 0));
    for (const [name, value] of Object.entries(facts)) {
      if (FactName.safeParse(name).success) put(`recipes/${recipe}/agent-facts/${name}`, String(value));
    }
    files.set(`recipes/${recipe}/output.sh`, await readFile(new URL('./output.sh', import.meta.url)));
  }
  await putSteps(files, agentMs, 'load.sh');
}

async function putSteps(files: Map<string, Uint8Array>, agentMs: number, script: string): Promise<void> {
  files.set('plan/agent-seconds', new TextEncoder().encode(`${Math.ceil(agentMs / 1000)}\n`));
  for (const name of ['steps.sh', script]) files.set(name, await readFile(new URL(`./${name}`, import.meta.url)));
}
