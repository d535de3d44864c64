import { randomBytes } from 'node:crypto';
import { GetSnapshotBlockCommand, ListSnapshotBlocksCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import { findCloud } from '../../../../local/cloud/start.ts';
import { clientsFor, completed, completeUpload, putBlock, ROOT_KEY } from './cloud-under-test.ts';

const cloud = findCloud(process.argv[2]);
const t = clientsFor(cloud.endpoint, ROOT_KEY);
const N = Number(process.argv[3] ?? 100);
const { SnapshotId: id } = await t.ebs.send(new StartSnapshotCommand({ VolumeSize: 1 }));
const b = randomBytes(524288);
const digests = new Map();
let t0 = performance.now();
let next = 0;
await Promise.all(
  Array.from({ length: 8 }, async () => {
    for (let i = next++; i < N; i = next++) {
      const s = performance.now();
      digests.set(i, await putBlock(t, id, i, b));
      if (i < 16) console.log(i, (performance.now() - s) | 0);
    }
  }),
);
let ms = performance.now() - t0;
console.log('put', (N / 2 / ms) * 1000, 'MiB/s');
await completeUpload(t, id, digests);
await completed(t, id);
for (let k = 0; k < 2; k++) {
  const l = await t.ebs.send(new ListSnapshotBlocksCommand({ SnapshotId: id }));
  t0 = performance.now();
  next = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let i = next++; i < N; i = next++) {
        const g = await t.ebs.send(
          new GetSnapshotBlockCommand({ SnapshotId: id, BlockIndex: i, BlockToken: l.Blocks[i].BlockToken }),
        );
        await g.BlockData.transformToByteArray();
      }
    }),
  );
  ms = performance.now() - t0;
  console.log('get', (N / 2 / ms) * 1000, 'MiB/s');
}
process.exit(0);
