import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../../setup/cache.mjs';
import { buildGuest } from './build.mjs';
import { run } from './command.mjs';

// By hand or under sudo: node local/guest/main.mjs [--cache-dir DIR] [--owner UID:GID]
const { values } = parseArgs({ options: { 'cache-dir': { type: 'string' }, owner: { type: 'string' } } });
const cacheDir = values['cache-dir'] ?? cacheFolder(process.env);
try {
  const guest = await buildGuest({ cacheDir, report: (line) => process.stderr.write(`guest image: ${line}\n`) });
  if (values.owner) await run('chown', ['-R', values.owner, join(cacheDir, 'guest')]);
  process.stdout.write(`${JSON.stringify(guest)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
