import { expect, test } from 'vitest';
import { SteadySync } from '../../../../src/vault/image/steady-sync.ts';

const MIB = 1 << 20;

/** A file whose syncs end when, and as, the test says. */
function heldFile() {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const datasync = () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject }));
  return { ends, file: { datasync } };
}

test('a file is synced after every 256 MiB, and never twice at once', async () => {
  const { ends, file } = heldFile();
  const sync = new SteadySync(file);
  for (let written = 0; written < 255; written++) sync.written(MIB);
  expect(ends).toHaveLength(0);
  sync.written(MIB);
  for (let written = 0; written < 600; written++) sync.written(MIB);
  expect(ends).toHaveLength(1);
  ends[0]?.resolve();
  await sync.idle();
  sync.written(MIB);
  expect(ends).toHaveLength(2);
  ends[1]?.resolve();
  await sync.idle();
  expect(() => sync.mustHaveHeld()).not.toThrow();
});

test('a sync that failed on the way fails the image, though the kernel tells it only once', async () => {
  const { ends, file } = heldFile();
  const sync = new SteadySync(file);
  sync.written(256 * MIB);
  ends[0]?.reject(new Error('EIO'));
  await sync.idle();
  sync.written(256 * MIB);
  ends[1]?.resolve();
  await sync.idle();
  expect(() => sync.mustHaveHeld()).toThrow('EIO');
});
