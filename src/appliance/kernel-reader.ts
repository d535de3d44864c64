import type { OtherReader } from '../disk/tree/open-file-system.ts';
import { cacheFolder } from '../qemu/cache-folder.mjs';
import type { Appliance } from './start-appliance.ts';

/**
 * Opens what our own readers do not know (Appliance.open); QemuMissing where this host has no QEMU or no kernel for it.
 * Costs nothing until the first file system is opened: that one starts the machine, which reads the others as well.
 */
export function createKernelReader(env: NodeJS.ProcessEnv = process.env): OtherReader {
  let started: Promise<Appliance> | undefined;
  return {
    async open(kind, source, signal) {
      started ??= start(cacheFolder(env), signal).catch((error: unknown) => {
        started = undefined; // whoever comes next tries again: this one may only have been interrupted
        throw error;
      });
      return (await started).open(kind, source);
    },
    async close() {
      const appliance = await started?.catch(() => undefined); // whoever opened was told
      await appliance?.close();
    },
  };
}

async function start(folder: string, signal: AbortSignal): Promise<Appliance> {
  const { startAppliance } = await import('./start-appliance.ts');
  return startAppliance(folder, signal);
}
