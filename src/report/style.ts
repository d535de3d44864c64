/**
 * The page's only style sheet. No web font and no image: a report is read years later, on a machine without a network.
 * Colours are tokens, so that the plots (SVG with classes, no colours of their own) follow light, dark and print.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #faf9f7; --card: #ffffff; --line: #e3dfd8; --ink: #211d26; --soft: #655f6d; --faint: #8c8694;
  --accent: #6a3d9a; --accent-soft: #efe7f7; --band: #f1eef5;
  --good: #17703f; --good-soft: #e2f3e8; --warn: #8a5a00; --warn-soft: #fbf0d9; --bad: #b3261e; --bad-soft: #fbe6e4;
  --sans: system-ui, -apple-system, 'Segoe UI', Inter, Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif;
  --mono: ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #131117; --card: #1b1820; --line: #342f3c; --ink: #ece8f1; --soft: #aca5b6; --faint: #837b8f;
    --accent: #c09bee; --accent-soft: #2d2338; --band: #211d28;
    --good: #74cf9a; --good-soft: #173125; --warn: #e5b65c; --warn-soft: #352a12; --bad: #ff8f85; --bad-soft: #3d1c1a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 var(--sans); }
main, header.top, footer { max-width: 1080px; margin: 0 auto; padding: 0 24px; }
header.top { padding-top: 40px; }
footer { padding-top: 8px; padding-bottom: 48px; color: var(--soft); font-size: 13px; }
.brand { display: flex; justify-content: space-between; gap: 16px; margin: 0 0 26px; padding: 0 0 12px; border-bottom: 1px solid var(--line); font-size: 13.5px; color: var(--soft); }
.brand b { color: var(--accent); font-weight: 680; }
h1 { margin: 0; font-size: clamp(25px, 4.2vw, 36px); line-height: 1.18; letter-spacing: -.022em; font-weight: 680; text-wrap: balance; }
.lead { margin: 14px 0 26px; max-width: 74ch; color: var(--soft); font-size: 16px; }
.lead b { color: var(--ink); font-weight: 600; }
section { margin: 0 0 22px; padding: 24px 26px 26px; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
h2 { margin: 0 0 4px; font-size: 19px; letter-spacing: -.012em; font-weight: 660; }
h3 { margin: 24px 0 8px; font-size: 14.5px; font-weight: 650; }
section > p { margin: 0 0 16px; max-width: 78ch; color: var(--soft); }
p.after { margin: 14px 0 0; font-size: 13px; }
code, .mono { font-family: var(--mono); font-size: .9em; overflow-wrap: anywhere; }

.verdicts { display: grid; grid-template-columns: repeat(4, 1fr); margin: 0 0 22px; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.verdicts div { padding: 18px 20px 19px; border-left: 1px solid var(--line); }
.verdicts div:first-child { border-left: 0; }
.verdicts .label { margin: 0; color: var(--soft); font-size: 12.5px; font-weight: 500; }
.verdicts .value { display: flex; align-items: center; gap: 7px; margin: 5px 0 6px; font-size: 18px; font-weight: 680; letter-spacing: -.012em; line-height: 1.25; }
.verdicts .why { margin: 0; color: var(--soft); font-size: 13px; line-height: 1.45; overflow-wrap: anywhere; }
.verdicts svg { flex: none; }
.good { --tone: var(--good); --tone-soft: var(--good-soft); }
.warn { --tone: var(--warn); --tone-soft: var(--warn-soft); }
.bad { --tone: var(--bad); --tone-soft: var(--bad-soft); }
.verdicts .good .value, .verdicts .warn .value, .verdicts .bad .value { color: var(--tone); }
.mark { fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }
.failure { margin: 0 0 22px; padding: 16px 18px; border: 1px solid var(--bad); border-radius: 10px; background: var(--bad-soft); }
.failure p { margin: 0; overflow-wrap: anywhere; }
.failure p + p { margin-top: 6px; }

.wide { overflow-x: auto; }
.wide table { min-width: 540px; }
.wide td, .wide code { overflow-wrap: normal; }
table { width: 100%; border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; }
caption { padding: 0 0 8px; text-align: left; font-weight: 650; font-size: 14.5px; }
table + table, .wide + .wide { margin-top: 22px; }
th { padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); color: var(--soft); text-align: left; font-weight: 500; font-size: 12.5px; vertical-align: bottom; }
td { padding: 8px 14px 8px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr:last-child > td { border-bottom: 0; }
th:last-child, td:last-child { padding-right: 0; }
th.num, td.num { text-align: right; white-space: nowrap; overflow-wrap: normal; }
.evidence { table-layout: fixed; }
.evidence th:first-child { width: 34%; }
.evidence th:nth-child(2) { width: 122px; }
.chip { display: inline-block; padding: 1px 9px 2px; border-radius: 99px; background: var(--band); color: var(--soft); font-size: 12px; font-weight: 600; white-space: nowrap; }
.chip.good, .chip.warn, .chip.bad { background: var(--tone-soft); color: var(--tone); }
.remedy { display: block; margin-top: 3px; color: var(--bad); }
dl.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); gap: 14px 26px; margin: 16px 0 22px; }
dl.facts dt { color: var(--soft); font-size: 12.5px; font-weight: 500; }
dl.facts .whole { grid-column: 1 / -1; }
dl.facts dd { margin: 1px 0 0; overflow-wrap: anywhere; }
.none { color: var(--soft); }

.phases { list-style: none; margin: 18px 0 0; padding: 0; }
.phases li { display: grid; grid-template-columns: 92px minmax(120px, 300px) 88px 1fr; gap: 2px 18px; align-items: center; padding: 7px 0; border-top: 1px solid var(--line); font-size: 13.5px; }
.phases li:first-child { border-top: 0; }
.phases .phase { font-weight: 600; }
.phases .took { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.phases .summary { color: var(--soft); overflow-wrap: anywhere; }
.phases svg { display: block; width: 100%; height: 12px; }
.bar-ground { fill: var(--line); }
.bar { fill: var(--accent); }
.bad .bar { fill: var(--bad); }

.plot { display: block; width: 100%; min-width: 660px; height: auto; font-family: var(--sans); }
.plot text { fill: var(--soft); font-size: 11.5px; }
.plot .band { fill: var(--band); }
.plot .grid { stroke: var(--line); stroke-width: 1; }
.plot .dots { fill: none; stroke: var(--faint); stroke-width: 2.1; stroke-linecap: round; stroke-opacity: .42; }
.plot .p50, .plot .p99 { fill: none; stroke-width: 2; stroke-linejoin: round; }
.plot .p50 { stroke: var(--accent); }
.plot .p99 { stroke: var(--warn); }
.plot text.p50, .plot text.p99 { stroke: none; font-weight: 650; }
.plot text.p50 { fill: var(--accent); }
.plot text.p99 { fill: var(--warn); }
.plot .instant { stroke: var(--ink); stroke-width: 1.4; stroke-dasharray: 3 3; }
.plot text.instant { stroke: none; fill: var(--ink); font-weight: 600; }
.plot .failed { stroke: var(--bad); stroke-width: 2; stroke-linecap: round; fill: none; }

.machines { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 24px; margin-top: 16px; }
.machines article { min-width: 0; }
.machines h3 { margin: 0 0 8px; }
.machines img { display: block; width: 100%; height: auto; border: 1px solid var(--line); border-radius: 8px; background: #000; }
pre { margin: 10px 0 0; padding: 12px 14px; max-height: 330px; overflow: auto; border-radius: 8px; background: #17141c; color: #d8d3df; font: 11.5px/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; }

@media (max-width: 940px) {
  .verdicts { grid-template-columns: 1fr 1fr; }
  .verdicts div:nth-child(odd) { border-left: 0; }
  .verdicts div:nth-child(n + 3) { border-top: 1px solid var(--line); }
}
@media (max-width: 340px) {
  .verdicts { grid-template-columns: 1fr; }
  .verdicts div { border-left: 0; }
  .verdicts div:nth-child(2) { border-top: 1px solid var(--line); }
}
@media (max-width: 720px) {
  body { font-size: 14.5px; }
  main, header.top, footer { padding-left: 14px; padding-right: 14px; }
  header.top { padding-top: 24px; }
  section { padding: 18px 15px 20px; }
  .verdicts div { padding: 14px 15px 15px; }
  .phases li { grid-template-columns: 1fr auto; padding: 9px 0; }
  .phases .bar-cell { grid-column: 1 / -1; grid-row: 2; }
  .phases .summary { grid-column: 1 / -1; }
  .evidence thead { position: absolute; clip-path: inset(50%); }
  .evidence tr { display: grid; grid-template-columns: 1fr auto; gap: 2px 10px; padding: 9px 0; border-bottom: 1px solid var(--line); }
  .evidence td { padding: 0; border: 0; }
  .evidence td:last-child { grid-column: 1 / -1; color: var(--soft); }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --card: #fff; --line: #cfcad6; --ink: #000; --soft: #3d3944; --faint: #6d6776; --band: #f1eef5;
    --accent: #55307d; --good: #0f5c32; --good-soft: #fff; --warn: #6f4800; --warn-soft: #fff; --bad: #9b1c15; --bad-soft: #fff;
  }
  body { font-size: 10.5pt; }
  main, header.top, footer { max-width: none; padding-left: 0; padding-right: 0; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 12pt 0; margin: 0; }
  .chip { border: 1px solid currentColor; }
  .wide { overflow: visible; }
  .wide table { min-width: 0; }
  .plot { min-width: 0; }
  pre { max-height: none; overflow: visible; background: none; color: #000; border: 1px solid var(--line); font-size: 7.5pt; }
  tr, li, .verdicts, .plot, .machines img { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  * { print-color-adjust: exact; }
}
`;
