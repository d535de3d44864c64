import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Method } from '../../src/contract/names.ts';
import type { BackupResult } from '../../src/contract/results.ts';
import { renderReport } from '../../src/report/render-report.ts';
import type { CountedCall, GivenBack, MachineEvidence } from '../../src/report/report-data.ts';
import type { Transfer } from '../production/transfer-log.ts';
import { readToolchain } from '../toolchain.ts';
import type { CloudCall } from '../up/cloud-control.ts';
import type { LabStatus } from '../up/lab-status.ts';
import type { DemoEvidence } from './facts.ts';

export interface ReportRequest {
  readonly folder: string;
  readonly status: LabStatus;
  readonly method: Method;
  readonly result: BackupResult;
  readonly evidence: DemoEvidence;
  readonly givenBack: readonly GivenBack[];
  readonly machines: readonly MachineEvidence[];
  readonly transfers: readonly Transfer[];
  readonly calls: readonly CloudCall[];
}

/** One self-contained HTML file; resolves with its path. */
export async function writeReport(request: ReportRequest): Promise<string> {
  const { folder, status, method, result, evidence, givenBack, machines, transfers, calls } = request;
  const { versions } = readToolchain().guest;
  const html = renderReport({
    madeAt: new Date().toISOString(),
    source: {
      instanceId: result.instanceId,
      accountId: status.aws.accountId,
      region: status.aws.region,
      name: 'production',
      applications: [`PostgreSQL ${versions.postgresql}`, `Redis ${versions.redis}`],
    },
    method,
    vaultUrl: status.vault.url,
    backup: result,
    preflight: result.preflight,
    isolation: [
      { of: 'clone', checks: result.isolation },
      ...(result.verification ? [{ of: 'verification machine', checks: result.verification.isolation }] : []),
    ],
    machines,
    databases: [{ application: 'postgresql', clients: evidence.clients, values: comparedValues(evidence) }],
    load: {
      clients: evidence.load.clients.length,
      samples: transfers.map(({ sentAt, acknowledgedAt, error }) => ({
        at: sentAt,
        ms: (acknowledgedAt ?? sentAt) - sentAt,
        ok: error === undefined,
      })),
      reconnects: evidence.load.reconnects,
      pauses: evidence.production.pauses.length,
      ledgerContacts: evidence.ledger.others,
    },
    givenBack,
    calls: countCalls(calls),
  });
  await mkdir(folder, { recursive: true });
  const path = join(folder, `report-${result.runId}.html`);
  await writeFile(path, html);
  return path;
}

function comparedValues({ bank, balance }: DemoEvidence) {
  return bank ? [{ name: 'sum over accounts', production: balance, restored: bank.balance }] : [];
}

function countCalls(calls: readonly CloudCall[]): readonly CountedCall[] {
  const counted = new Map<string, { service: string; action: string; calls: number; errors: number }>();
  for (const { service, action, error, dryRun } of calls.filter((call) => call.service !== 'machine')) {
    const key = `${service} ${action}`;
    const before = counted.get(key) ?? { service, action, calls: 0, errors: 0 };
    const failed = error !== undefined && !(dryRun && error === 'DryRunOperation');
    counted.set(key, { ...before, calls: before.calls + 1, errors: before.errors + (failed ? 1 : 0) });
  }
  return [...counted.values()].sort((a, b) => b.calls - a.calls);
}
