import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { ConfigurationError, systemCode } from '../errors.ts';
import { makeFolders } from '../make-folders.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const DeploymentFile = z.strictObject({ deploymentId: z.uuid() });

/**
 * The id that all resources of this configuration carry as a tag, so that two deployments in one account never touch each
 * other's. It lives outside the repository: a copy of the repository is another deployment.
 */
export async function readDeploymentId(env: Environment = process.env): Promise<string> {
  const found = await findDeploymentId(env);
  if (found) return found;
  throw new ConfigurationError(
    'InvalidConfiguration',
    `there is no deployment id at ${deploymentFile(env)}; run \`understudy init\` once, or set UNDERSTUDY_DEPLOYMENT_ID`,
  );
}

/** Makes the deployment id where there is none; repeatable. */
export async function ensureDeploymentId(env: Environment = process.env): Promise<string> {
  const found = await findDeploymentId(env);
  if (found) return found;
  const path = deploymentFile(env);
  const deploymentId = randomUUID();
  const written = `${path}.${deploymentId}`;
  try {
    await makeFolders(dirname(path));
    await writeFile(written, `${JSON.stringify({ deploymentId })}\n`, { mode: 0o600 });
    // Whole at once: of many that start together one makes the name, and no other reads half a file.
    await link(written, path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw unusable(path, 'written', error);
  } finally {
    await rm(written, { force: true });
  }
  return readDeploymentId(env);
}

/** Where the id is kept. */
export function deploymentFile(env: Environment): string {
  const base = env.XDG_CONFIG_HOME;
  // The XDG base directory specification: a relative path is to be ignored.
  return join(base && isAbsolute(base) ? base : join(homedir(), '.config'), 'understudy', 'deployment.json');
}

async function findDeploymentId(env: Environment): Promise<string | undefined> {
  const given = env.UNDERSTUDY_DEPLOYMENT_ID;
  if (given) return checked({ deploymentId: given }, 'UNDERSTUDY_DEPLOYMENT_ID');
  const path = deploymentFile(env);
  try {
    return checked(JSON.parse(await readFile(path, 'utf8')), path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) {
      throw new ConfigurationError(
        'InvalidConfiguration',
        `${path} is not JSON; restore it, or set UNDERSTUDY_DEPLOYMENT_ID`,
      );
    }
    throw unusable(path, 'read', error);
  }
}

/** Somebody else's file, or a home that is read-only: a worker's user is often not the one who ran `understudy init`. */
function unusable(path: string, how: 'read' | 'written', cause: unknown): unknown {
  if (systemCode(cause) === undefined) return cause;
  const message = `${path} cannot be ${how} (${systemCode(cause)}); mend that, or set UNDERSTUDY_DEPLOYMENT_ID to a UUID of this deployment`;
  return new ConfigurationError('InvalidConfiguration', message, { cause });
}

function checked(value: unknown, where: string): string {
  const parsed = DeploymentFile.safeParse(value);
  if (parsed.success) return parsed.data.deploymentId;
  throw new ConfigurationError('InvalidConfiguration', `${where} does not hold a deployment id (a UUID)`);
}
