#!/usr/bin/env node
// The package brings dist; a clone of the repository runs its sources, which are always what was last edited.
import { existsSync } from 'node:fs';

const source = new URL('../src/cli/main.ts', import.meta.url);
await import(existsSync(source) ? source.href : new URL('../dist/command/main.js', import.meta.url).href);
