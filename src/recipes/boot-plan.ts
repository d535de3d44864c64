import type { AgentPlan, OutputRegion } from '../contract/agent-output.ts';
import type { BootReport } from '../contract/evidence.ts';
import type { ConfiguredRecipe } from '../contract/resolved-backup.ts';

/** What the boot script of one machine is to do. */
export interface BootPlan {
  readonly runId: string;
  /** `clone`: detect, wait until recovered, stop, power off. `verify`: also probe before power-off. */
  readonly role: 'clone' | 'verify';
  readonly recipes: readonly ConfiguredRecipe[];
  readonly recoverMs: number;
  /** For all scripts that stop applications, together. */
  readonly stopMs: number;
  /** How the boot script itself gets in; default: as user data. */
  readonly channel?: 'run-command';
  /** Agents of the recipes are to run (`clone`), or what they wrote is to be loaded (`verify`). */
  readonly agents?: AgentPlan;
  /** One thing is to be taken out of an application; nothing else is asked then. */
  readonly extract?: ExtractPlan;
}

export interface ExtractPlan {
  /** Whose script takes it out. */
  readonly recipe: string;
  /** What is wanted, a file per field. */
  readonly request: Readonly<Record<string, string>>;
  readonly extractMs: number;
  /** Where it is written, as it is. */
  readonly region: OutputRegion;
}

/** Made by the same input always to the same bytes, so a retried activity launches the same machine. */
export interface BootMedia {
  /** MIME multipart for cloud-init; at most 16,384 bytes (EC2 user data limit). */
  readonly userData: Uint8Array;
  /** First bytes of the scratch volume: magic, runId, scripts and parameters. Results follow from 1 MiB on. */
  readonly scratch: Uint8Array;
}

export type { AgentPlan, BootReport };
