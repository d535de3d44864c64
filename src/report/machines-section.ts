import { type Html, html, longText, trustedConstant } from './html.ts';
import type { MachineEvidence, ReportData } from './report-data.ts';
import { visibleTail } from './visible-text.ts';

/** A screen and a half; the whole window is sealed in the vault as evidence. */
const CONSOLE_LIMITS = { lines: 60, columns: 200 } as const;

const ROLES: Readonly<Record<MachineEvidence['role'], string>> = {
  clone: 'The clone',
  verify: 'The verification machine',
};

/** What stood on the screens. Guest text: made visible, cut, and never anything but text. */
export function machinesSection({ machines = [] }: ReportData): Html | undefined {
  if (machines.length === 0) return undefined;
  return html`<section><h2>Screens and consoles</h2>
<p>Screenshots as the platform took them, and the last ${CONSOLE_LIMITS.lines} lines of each console. Control characters are written out. The complete texts are sealed in the vault.</p>
<div class="machines">${machines.map(machine)}</div></section>\n`;
}

function machine({ role, machineId, screenshot, console }: MachineEvidence): Html {
  const title = ROLES[role];
  return html`<article><h3>${title} <code>${machineId}</code></h3>${picture(title, screenshot)}${consoleTail(console)}</article>\n`;
}

function picture(title: string, screenshot: Uint8Array | undefined): Html {
  if (screenshot === undefined) return html`<p class="none">No screenshot was taken.</p>`;
  if (!isJpeg(screenshot)) return html`<p class="none">The screenshot is not a JPEG image and is not shown.</p>`;
  // Base64 has no character that means anything in HTML.
  const data = trustedConstant(Buffer.from(screenshot).toString('base64'));
  return html`<img alt="${title}: its screen" src="data:image/jpeg;base64,${data}">`;
}

function consoleTail(console: Uint8Array | undefined): Html {
  if (console === undefined) return html`<p class="none">No console was observed.</p>`;
  const lines = visibleTail(console, CONSOLE_LIMITS);
  return html`<pre tabindex="0">${lines.map((line) => html`${longText(line)}\n`)}</pre>`;
}

/** Start of image, then a marker (ITU T.81 B.1.1.2). */
function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}
