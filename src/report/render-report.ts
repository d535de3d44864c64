import { createHash } from 'node:crypto';
import { agentsSection } from './agents-section.ts';
import { capturedSection } from './captured-section.ts';
import { countedSection, leftoversSection } from './counted-section.ts';
import { databaseSection } from './database-section.ts';
import { evidenceSection, isolationSection, preflightSection } from './evidence-section.ts';
import { formatInstant } from './figures.ts';
import { givenBackSection } from './given-back-section.ts';
import { html, markupOf, trustedConstant } from './html.ts';
import { loadSection } from './load-section.ts';
import { machinesSection } from './machines-section.ts';
import { phasesSection } from './phases-section.ts';
import type { ReportData } from './report-data.ts';
import { STYLE } from './style.ts';
import { verdictHeader } from './verdict-section.ts';

/**
 * The report of one run as one HTML file: no script, no request, nothing to install. The policy allows the one style
 * sheet by its digest and images only as data, so guest text could do nothing even if an escape were missed.
 */
export function renderReport(data: ReportData): string {
  const policy = `default-src 'none'; style-src 'sha256-${digest(STYLE)}'; img-src data:; base-uri 'none'; form-action 'none'`;
  return markupOf(html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trustedConstant(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${data.source.instanceId} at ${data.backup.pointInTime ?? data.madeAt} · Understudy</title>
<style>${trustedConstant(STYLE)}</style></head>
<body>
${verdictHeader(data)}<main>
${capturedSection(data)}${phasesSection(data.backup.phases)}${loadSection(data)}${databaseSection(data)}${givenBackSection(data)}${agentsSection(data)}${evidenceSection(data)}${machinesSection(data)}${isolationSection(data)}${preflightSection(data)}${countedSection(data)}${leftoversSection(data.backup.leftovers)}</main>
<footer>Made ${formatInstant(data.madeAt)} by Understudy. This file is a view; the truth is the recovery point in its vault and the evidence sealed with it.</footer>
</body></html>
`);
}

function digest(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64');
}
