/** `understudy vault put` without opening every sealed block again: `node put-unverified.ts <dist> <url> <key file> <image>` */
import { openBenchVault } from './open-bench-vault.ts';

const { library, vault, signal, argument } = await openBenchVault({ roles: ['data', 'meta'], verifySealed: false });
const names = { machineId: 'bench', name: null, volumeId: 'disk0', toolVersion: 'bench' };
const { pointId } = await library.putImage({ vault, path: argument, ...names, signal });
await vault.close();
process.stdout.write(`${JSON.stringify({ pointId })}\n`);
