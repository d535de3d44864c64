import { ensureApplianceFiles } from '../src/appliance/ensure-kernel.ts';

// A process of its own: the set-up starts on a Node that reads no TypeScript.
const [cacheFolder = ''] = process.argv.slice(2);
try {
  const { cached } = await ensureApplianceFiles(cacheFolder, new AbortController().signal);
  process.stdout.write(cached ? 'cached\n' : 'made\n');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
