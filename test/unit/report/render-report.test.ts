import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { renderReport } from '../../../src/report/render-report.ts';
import type { ReportData } from '../../../src/report/report-data.ts';
import { sampleReport } from './sample.ts';

const HOSTILE = '<img src=x onerror=alert(1)>" onload="x [link](javascript:alert(1)) \u001b[31mred\u001b[0m \u202etxt';
const SHOWN =
  '&lt;img src=x onerror=alert(1)&gt;&quot; onload=&quot;x [link](javascript:alert(1)) \\x1b[31mred\\x1b[0m \\u{202e}txt';

/** Every place of the report that can hold text of a guest, a tag or a message. */
function hostileReport(text: string): ReportData {
  const sample = sampleReport();
  const { consistency, verification, volumes = [] } = sample.backup;
  const fact = { name: text, verdict: 'unknown', found: text } as const;
  const check = { name: text, verdict: 'broken', found: text, remedy: text } as const;
  if (consistency === undefined || verification === undefined) throw new Error('the sample lacks its verdicts');
  return {
    ...sample,
    source: { ...sample.source, name: text, instanceType: text, applications: [text] },
    vaultUrl: text,
    failure: { code: text, message: text },
    backup: {
      ...sample.backup,
      consistency: { ...consistency, facts: [fact], lowered: [text], agents: { [text]: 'application-consistent' } },
      verification: { ...verification, verdict: 'red', facts: [fact], failures: [text] },
      volumes: volumes.map((volume) => ({ ...volume, deviceName: text })),
      phases: sample.backup.phases.map((phase) => ({ ...phase, summary: text })),
      leftovers: [{ kind: 'volume', id: text, reason: text }],
    },
    preflight: [check],
    isolation: [{ of: text, checks: [check] }],
    machines: [{ role: 'clone', machineId: text, console: new TextEncoder().encode(`${text}\r\n${text}`) }],
    databases: [
      {
        application: text,
        clients: [{ client: text, acknowledged: 1, sent: 1, found: 1, gaps: 0 }],
        values: [{ name: text, production: text, restored: text }],
      },
    ],
    givenBack: [{ name: text, holds: true, found: text, command: text, seconds: 1 }],
    calls: [{ service: text, action: text, calls: 1, errors: 0 }],
  };
}

test('text of a guest stands in the page as text, wherever it comes from', () => {
  const page = renderReport(hostileReport(HOSTILE));
  expect(page).not.toContain('<img src=x');
  expect(page).not.toContain('onload="');
  expect(page).not.toContain('\u001b');
  expect(page).not.toContain('\u202e');
  // 2 lines of console, and every other field at least once.
  expect(page.split(SHOWN).length - 1).toBeGreaterThanOrEqual(30);
});

test('only the elements the page is made of appear, whatever a guest writes', () => {
  const tags = (page: string) => new Set([...page.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, name]) => name));
  const known = tags(renderReport(sampleReport()));
  for (const tag of ['ul', 'li', 'h3', 'br']) known.add(tag);
  const seen = tags(
    renderReport(hostileReport('</style></pre><script>x()</script><svg onload=x><a href="javascript:x">')),
  );
  expect([...seen].filter((tag) => !known.has(tag))).toEqual([]);
});

test('no script, no address to load from and no inline style stand in the page', () => {
  const page = renderReport(sampleReport());
  expect(page).not.toMatch(/<script|<link|<iframe|<object|javascript:/i);
  expect(page).not.toMatch(/ style=/);
  expect([...page.matchAll(/(?:src|href|srcset)="([^"]{0,23})/g)].map(([, url]) => url)).toEqual([
    'data:image/jpeg;base64,',
    'data:image/jpeg;base64,',
  ]);
});

test('the policy allows exactly the one style sheet, by its digest, and images only as data', () => {
  const page = renderReport(sampleReport());
  const styles = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, css]) => css ?? '');
  const digest = createHash('sha256').update(styles.join(), 'utf8').digest('base64');
  expect(styles).toHaveLength(1);
  expect(page).toContain(
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${digest}'; img-src data:; base-uri 'none'; form-action 'none'">`,
  );
  expect(page.indexOf('Content-Security-Policy')).toBeLessThan(page.indexOf('<style>'));
});

test('a screenshot that is not a JPEG is named and not embedded', () => {
  const sample = sampleReport();
  const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>');
  const page = renderReport({ ...sample, machines: [{ role: 'clone', machineId: 'i-1', screenshot: svg }] });
  expect(page).not.toContain('src="data:');
  expect(page).toContain('not a JPEG image');
});

test('the same data gives the same bytes, so a report can be made again and compared', () => {
  expect(renderReport(sampleReport())).toBe(renderReport(sampleReport()));
});

test.each([
  {
    what: 'a green verification',
    change: {},
    headline: 'A clean-shutdown recovery point, restored, booted and found healthy',
  },
  {
    what: 'no verification',
    change: { verification: undefined },
    headline: 'A clean-shutdown recovery point, not yet verified',
  },
  { what: 'a red verification', change: { red: true }, headline: 'This recovery point failed its verification' },
])('$what is the first thing the page says', ({ change, headline }) => {
  const sample = sampleReport();
  const { verification, ...rest } = sample.backup;
  const red = verification && { ...verification, verdict: 'red' as const, failures: ['the database did not start'] };
  const backup =
    'red' in change ? { ...rest, ...(red && { verification: red }) } : 'verification' in change ? rest : sample.backup;
  const page = renderReport({ ...sample, backup });
  expect(page).toContain(`<h1>${headline}</h1>`);
  if ('red' in change) expect(page).toContain('the database did not start');
});

test('a run that failed before its capture still gives a page that names the code and the remedy', () => {
  const { phases, runId, vault, instanceId } = sampleReport().backup;
  const page = renderReport({
    ...sampleReport(),
    backup: {
      runId,
      vault,
      instanceId,
      leftovers: [],
      phases: phases.map(({ phase }) => ({ phase, state: 'waiting' })),
    },
    failure: { code: 'PreflightRefused', message: 'subnet-routes: 0.0.0.0/0 leads to igw-1\nRemove the route.' },
  });
  expect(page).toContain('<h1>Failed: PreflightRefused</h1>');
  expect(page).toContain('<p>Remove the route.</p>');
  expect(page).toContain('was not captured');
});

test.each([
  { gaps: 0, found: 10, word: 'complete' },
  { gaps: 1, found: 10, word: 'lost writes' },
  { gaps: 0, found: 9, word: 'lost writes' },
  { gaps: 0, found: 13, word: 'unsent writes' },
])('a client with 10 acknowledged, 12 sent, $found found and $gaps missing is "$word"', ({ gaps, found, word }) => {
  const clients = [{ client: 'c', acknowledged: 10, sent: 12, found, gaps }];
  const page = renderReport({ ...sampleReport(), databases: [{ application: 'postgresql', clients, values: [] }] });
  expect(page).toContain(`>${word}</span>`);
  expect(page.includes('no acknowledged write is lost')).toBe(word === 'complete');
});

test.each([
  { what: 'a failed request', harm: { samples: [{ at: 1, ms: 5, ok: false }] } },
  { what: 'a reconnect', harm: { reconnects: 1 } },
  { what: 'a pause', harm: { pauses: 1 } },
  { what: 'a contact by a clone', harm: { ledgerContacts: 1 } },
])('$what makes production "disturbed"', ({ harm }) => {
  const quiet = { clients: 1, samples: [{ at: 0, ms: 5, ok: true }], reconnects: 0, pauses: 0, ledgerContacts: 0 };
  expect(renderReport({ ...sampleReport(), load: quiet })).toContain('untouched');
  expect(renderReport({ ...sampleReport(), load: { ...quiet, ...harm } })).toContain('disturbed');
});

test('a broken isolation line is named at the top, and the page no longer says that clones had no network', () => {
  const broken = { name: 'subnet-routes', verdict: 'broken', found: '0.0.0.0/0 leads to igw-1' } as const;
  const page = renderReport({ ...sampleReport(), isolation: [{ of: 'network', checks: [broken] }] });
  expect(page).toMatch(/class="bad"><p class="label">Isolation of clones<\/p>.*broken.*subnet-routes/);
  expect(page).not.toContain('clones without a network');
});

test.each([
  { verdict: 'accepted', word: 'proven', says: 'vouched for by a person: resolver-rules' },
  { verdict: 'not-checked', word: 'not proven', says: 'not checked: resolver-rules' },
] as const)('a line that is $verdict is named at the top, and isolation is "$word"', ({ verdict, word, says }) => {
  const checks = [
    { name: 'dns-off', verdict: 'holds', found: 'off' },
    { name: 'resolver-rules', verdict, found: 'cannot be read' },
  ] as const;
  const page = renderReport({ ...sampleReport(), isolation: [{ of: 'network', checks }] });
  expect(page).toMatch(new RegExp(`Isolation of clones</p><p class="value">.*${word}</p>`));
  expect(page).toContain(says);
});

test('agents stand with their class, their output and the digest of their log', () => {
  const agent = {
    recipe: 'postgresql',
    exitStatus: 0,
    startedAt: '2026-11-23T02:31:20.000Z',
    endedAt: '2026-11-23T02:31:32.000Z',
    log: { bytes: 2_048, sha256: 'ab'.repeat(32) },
    output: { files: 7, bytes: 3 << 20, listSha256: 'cd'.repeat(32) },
    facts: {},
  };
  const sample = sampleReport();
  const { consistency } = sample.backup;
  if (!consistency) throw new Error('the sample is of a whole run');
  const classes = { ...consistency, agents: { postgresql: 'application-consistent' } as const };
  const page = renderReport({ ...sample, backup: { ...sample.backup, consistency: classes, agents: [agent] } });
  const section = /<h2>Agents<\/h2>.*?<\/section>/s.exec(page)?.[0];
  expect(section).toMatch(/postgresql.*application-consistent.*12.*7.*3.*MiB.*abababababababab/s);
  expect(renderReport(sample)).not.toContain('<h2>Agents</h2>');
});
