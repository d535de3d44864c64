#!/usr/bin/env node
// The package brings dist; a clone of the repository runs its sources, which are always what was last edited.
import { existsSync } from 'node:fs';

// zstd, SQLite and the types that Node strips from a configuration: older ones would fail at whichever a command needs first.
const NEEDED = 24;

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  process.stderr.write(`understudy: needs Node ${NEEDED}; this is ${process.version}\n`);
  process.exitCode = 1;
} else {
  const source = new URL('../src/cli/main.ts', import.meta.url);
  await import(existsSync(source) ? source.href : new URL('../dist/command/main.js', import.meta.url).href);
}
