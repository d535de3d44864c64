import { defineConfig } from 'vitest/config';
import { PackedSequencer } from './test/support/packed-sequencer.ts';

/** As many as there are cores on the smallest machine that runs this; the runner itself does next to nothing. */
const CORES = 2;

// `isolate: false`: files share processes. Loading SDK, zod and vault anew for each of them took a third of the unit
// tests' processor time.
export default defineConfig({
  test: {
    sequence: { sequencer: PackedSequencer },
    // `npm run coverage`: what decides what is lost, and every decoder, has no branch that no test has taken.
    coverage: {
      include: ['src/vault/collect/**', 'src/vault/expiry/**'],
      reporter: ['text'],
      reportOnFailure: true,
      thresholds: { branches: 100 },
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          isolate: false,
          setupFiles: 'test/support/restored-environment.ts',
          maxWorkers: CORES,
        },
      },
      {
        test: {
          // In a process of its own: Temporal runs a replayed workflow in the calling thread, and the hook that it leaves there
          // fails on every promise whose `constructor` is undefined, as some of Node's own are.
          name: 'replay',
          include: ['test/replay/**/*.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          isolate: false,
          setupFiles: 'test/support/restored-environment.ts',
          globalSetup: 'test/support/integration-setup.ts',
          // Each file starts servers or machines of its own and mostly waits for them, and `npm test` runs the end-to-end
          // tests beside it.
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'e2e',
          isolate: false,
          globalSetup: 'test/support/e2e-lab-setup.ts',
          include: ['test/e2e/**/*.test.ts'],
          // Two labs: most of a run is one machine with one processor, or waiting for it.
          maxWorkers: CORES,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
