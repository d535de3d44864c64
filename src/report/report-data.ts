import type { Check } from '../contract/check.ts';
import type { Method } from '../contract/names.ts';
import type { BackupResult } from '../contract/results.ts';
import type { LoadSample } from './latency.ts';

/**
 * Everything a report shows. Only `backup`, `source`, `method`, `vaultUrl` and `madeAt` are needed; a part that is absent
 * is left out of the page, or named as not recorded where its absence matters.
 */
export interface ReportData {
  /** ISO 8601. */
  readonly madeAt: string;
  readonly source: ReportedSource;
  readonly method: Method;
  /** Where the point is, such as `s3://bucket/prefix`; `backup.vault` is only the configured name. */
  readonly vaultUrl: string;
  /** Of a failed run as far as it came. */
  readonly backup: ReportedBackup;
  readonly failure?: { readonly code: string; readonly message: string };
  readonly preflight?: readonly Check[];
  readonly isolation?: readonly IsolationProof[];
  readonly machines?: readonly MachineEvidence[];
  readonly databases?: readonly DatabaseComparison[];
  readonly load?: ProductionLoad;
  readonly givenBack?: readonly GivenBack[];
  readonly calls?: readonly CountedCall[];
}

export interface ReportedSource {
  readonly instanceId: string;
  readonly accountId: string;
  readonly region: string;
  readonly instanceType?: string;
  /** From a tag: hostile text. */
  readonly name?: string;
  /** Such as `PostgreSQL 15`. */
  readonly applications?: readonly string[];
}

/** A `BackupResult`, or what a failed run left of one. */
export type ReportedBackup = Pick<BackupResult, 'runId' | 'vault' | 'instanceId' | 'phases' | 'leftovers'> &
  Partial<BackupResult>;

export interface IsolationProof {
  /** Such as `network, before the launch` or `clone i-…, running`. */
  readonly of: string;
  readonly checks: readonly Check[];
}

export interface MachineEvidence {
  readonly role: 'clone' | 'verify';
  readonly machineId: string;
  /** JPEG as the platform gave it. */
  readonly screenshot?: Uint8Array;
  /** The console's window as the guest wrote it: hostile bytes. */
  readonly console?: Uint8Array;
}

/** What clients of production were told, beside what the restored database holds. */
export interface DatabaseComparison {
  /** Such as `postgresql`. */
  readonly application: string;
  readonly clients: readonly ClientComparison[];
  readonly values: readonly ComparedValue[];
}

/** One client that numbers its transfers without gaps. */
export interface ClientComparison {
  readonly client: string;
  /** Last number acknowledged before the capture's time: at least this must be there. */
  readonly acknowledged: number;
  /** Last number sent before the capture's reply: at most this can be there. */
  readonly sent: number;
  /** Last number of the gap-free prefix in the restored database. */
  readonly found: number;
  /** Numbers missing below `found`; anything but 0 is a loss. */
  readonly gaps: number;
}

export interface ComparedValue {
  readonly name: string;
  readonly production: string | number;
  readonly restored: string | number;
}

/** What production's clients saw while all this went on. */
export interface ProductionLoad {
  readonly clients: number;
  readonly samples: readonly LoadSample[];
  readonly reconnects: number;
  /** How often production's machine was paused; absent where nothing can tell. */
  readonly pauses?: number;
  /** Contacts by clones in the ledger that only production may reach; absent where there is no ledger. */
  readonly ledgerContacts?: number;
}

/** Something that was had back from the point after it was made. */
export interface GivenBack {
  /** `search`, `file`, `table` or `instant`. */
  readonly name: string;
  readonly holds: boolean;
  readonly found: string;
  /** As a person types it. */
  readonly command: string;
  /** Of the machine that boots at once: to its first answer. */
  readonly seconds: number;
  /** Absent where workers read as well. */
  readonly bytesFetched?: number;
}

export interface CountedCall {
  readonly service: string;
  readonly action: string;
  readonly calls: number;
  readonly errors: number;
}
