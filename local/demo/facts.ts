import { formatBytes } from '../../src/cli/format.ts';
import type { BackupResult } from '../../src/contract/results.ts';
import type { ClientComparison } from '../../src/report/report-data.ts';
import type { LoadSnapshot } from '../production/load.ts';
import type { TaggedResource } from '../up/tagged-resources.ts';
import { isWhole, type RestoredBank } from './bank-comparison.ts';
import type { LedgerContacts } from './ledger-contacts.ts';
import type { ProductionRecord } from './production-calls.ts';

/** One promise of the demo, with what was read. All must hold; none is a latency. */
export interface DemoFact {
  readonly name: string;
  readonly holds: boolean;
  readonly found: string;
}

export interface DemoEvidence {
  readonly result: BackupResult;
  readonly load: LoadSnapshot;
  readonly production: ProductionRecord;
  /** Whether the very same process was production's machine before and after. */
  readonly sameMachine: boolean;
  readonly ledger: LedgerContacts;
  readonly resources: readonly Pick<TaggedResource, 'id' | 'role'>[];
  readonly bank: RestoredBank | undefined;
  readonly clients: readonly ClientComparison[];
  /** Of production, before the backup; transfers move money and never make any. */
  readonly balance: string;
  /** What was had back from the point, if anything was asked for. */
  readonly hadBack: readonly DemoFact[];
}

export function judgeDemo(evidence: DemoEvidence): readonly DemoFact[] {
  return [
    classFact(evidence),
    isolationFact(evidence),
    ...agentsFact(evidence),
    verificationFact(evidence),
    ...loadFacts(evidence),
    productionFact(evidence),
    ...bankFacts(evidence),
    ...evidence.hadBack,
    leftoversFact(evidence),
  ];
}

function classFact({ result: { consistency } }: DemoEvidence): DemoFact {
  const why = consistency.lowered.length > 0 ? `: ${consistency.lowered.join('; ')}` : '';
  return { name: 'class', holds: consistency.disks === 'clean-shutdown', found: `${consistency.disks}${why}` };
}

/** Only where the method has agents. */
function agentsFact({ result: { agents, consistency } }: DemoEvidence): readonly DemoFact[] {
  if (!agents) return [];
  const names = agents.map(({ recipe, output }) => `${recipe} ${formatBytes(output?.bytes ?? 0)}`);
  const proven = agents.every(({ recipe }) => consistency.agents[recipe] === 'application-consistent');
  return [
    {
      name: 'agents',
      holds: agents.length > 0 && proven,
      found: `${names.join(', ') || 'none ran'}: ${proven ? 'application-consistent' : 'not proven'}`,
    },
  ];
}

/** The network was proven by preflight and on the running machines, or the run would have failed; this is the packets' side. */
function isolationFact({ ledger: { production, others } }: DemoEvidence): DemoFact {
  return {
    name: 'isolation',
    // Without contacts by production the ledger would prove nothing.
    holds: others === 0 && production > 0,
    found: `ledger contacts by clones ${others}, by production ${production}`,
  };
}

function verificationFact({ result: { verification } }: DemoEvidence): DemoFact {
  const why = verification?.failures.length ? `: ${verification.failures.join('; ')}` : '';
  return {
    name: 'verification',
    holds: verification?.verdict === 'green',
    found: `${verification?.verdict ?? 'none'}${why}`,
  };
}

function loadFacts({ load }: DemoEvidence): readonly DemoFact[] {
  const { sent, acknowledged, failedRequests, reconnects } = load;
  return [
    {
      name: 'requests',
      holds: failedRequests === 0 && acknowledged > 0,
      found: `${failedRequests} failed of ${sent}`,
    },
    { name: 'connections', holds: reconnects === 0, found: `${reconnects} reconnects` },
  ];
}

function productionFact({ production, sameMachine }: DemoEvidence): DemoFact {
  const { captures, forbidden, pauses } = production;
  const names = [...forbidden, ...pauses].map(({ action }) => action).join(', ');
  return {
    name: 'production',
    holds: captures.length === 1 && forbidden.length === 0 && pauses.length === 0 && sameMachine,
    found: `${captures.length} capture, never paused or changed${names ? `, but ${names}` : ''}${sameMachine ? '' : ', but its machine is another process now'}`,
  };
}

function bankFacts({ bank, clients, balance }: DemoEvidence): readonly DemoFact[] {
  if (!bank) return [{ name: 'bank', holds: false, found: 'the verification left no answers of the bank' }];
  const lost = clients.filter((client) => !isWhole(client));
  const required = clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  const present = clients.reduce((sum, { acknowledged, found }) => sum + Math.min(acknowledged, found), 0);
  const wrong = lost.map(
    ({ client, acknowledged, sent, found, gaps }) =>
      `client ${client}: ${acknowledged} acknowledged, ${sent} sent, ${found} found, ${gaps} gaps`,
  );
  return [
    {
      name: 'writes',
      holds: lost.length === 0 && clients.length > 0,
      found: [`${present} of ${required} transfers acknowledged before the capture are there`, ...wrong].join('; '),
    },
    {
      name: 'balance',
      holds: bank.balance === balance,
      found: `${bank.accounts} accounts, sum ${bank.balance}${bank.balance === balance ? ' unchanged' : `, was ${balance}`}`,
    },
  ];
}

function leftoversFact({ result, resources }: DemoEvidence): DemoFact {
  const extra = resources.filter(({ role }) => role !== 'capture');
  const named = [...result.leftovers.map(({ id }) => id), ...extra.map(({ id, role }) => `${id} (${role})`)];
  return {
    name: 'leftovers',
    holds: named.length === 0,
    found:
      named.length === 0 ? `none; ${resources.length} capture snapshots kept for the next increment` : named.join(', '),
  };
}
