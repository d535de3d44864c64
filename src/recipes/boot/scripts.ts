import { readFile } from 'node:fs/promises';
import { RunId } from '../../contract/names.ts';

/** A static script that learns its run from one assignment: a runId's form holds no character that a shell looks at. */
export async function readScript(name: 'boot.sh' | 'claim.sh', runId: string): Promise<string> {
  const script = await readFile(new URL(`./${name}`, import.meta.url), 'utf8');
  const filled = script.replace(/^UNDERSTUDY_RUN=$/m, `UNDERSTUDY_RUN=${RunId.parse(runId)}`);
  if (filled === script) throw new RangeError(`${name} has no line "UNDERSTUDY_RUN=" to fill in`);
  return filled;
}

/** The boot script as a command: it claims the machine for itself first. */
export async function assembleCommand(runId: string): Promise<string> {
  const script = `${await readScript('claim.sh', runId)}\n${await readScript('boot.sh', runId)}`;
  // Systems Manager would put its own parameters there.
  if (script.includes('{{')) throw new RangeError('a script that is sent as a command holds "{{"');
  return script;
}
