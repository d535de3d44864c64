import { type Html, html } from './html.ts';
import { checkTable, factTable } from './parts.ts';
import type { IsolationProof, ReportData } from './report-data.ts';

/** What the class and the validation result rest on. */
export function evidenceSection({ backup: { consistency, verification } }: ReportData): Html | undefined {
  if (consistency === undefined && verification === undefined) return undefined;
  return html`<section><h2>Evidence</h2>
<p>Read from the machine, the platform and the blocks in this run. A class is never lowered in silence: what lowers it is named.</p>
${consistency === undefined ? undefined : [factTable('The clone, at its shutdown', consistency.facts), reasons('What lowered the class', consistency.lowered)]}${
  verification === undefined ? undefined : factTable('The restored machine, at its verification', verification.facts)
}${verification === undefined ? undefined : reasons('Why it is red', verification.failures)}</section>\n`;
}

/** The network the clones ran in, line by line. */
export function isolationSection({ isolation = [] }: ReportData): Html | undefined {
  if (isolation.length === 0) return undefined;
  return html`<section><h2>Isolation</h2>
<p>Each line was read from the platform's interface in this run: of the network before a machine was started, and of the machine once it ran.</p>
${isolation.map(({ of, checks }: IsolationProof) => checkTable(of, checks))}</section>\n`;
}

export function preflightSection({ preflight }: ReportData): Html | undefined {
  if (preflight === undefined) return undefined;
  return html`<section><h2>Preflight</h2><p>Asked before anything was made; nothing was changed by asking.</p>
${checkTable('Can this machine be captured whole?', preflight)}</section>\n`;
}

function reasons(title: string, lines: readonly string[]): Html | undefined {
  if (lines.length === 0) return undefined;
  return html`<h3>${title}</h3><ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}
