import { open } from 'node:fs/promises';
import jpeg from 'jpeg-js';
import { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import { CloudError } from '../cloud-error.ts';
import type { InstanceRecord } from '../records.ts';
import { consoleFile } from '../storage/layout.ts';
import { require } from './describe.ts';
import { type Operations, operation } from './operation.ts';

/** EC2 keeps the newest 64 KB. */
const WINDOW_BYTES = 65_536;
/** Legible text at about 60 KB for a 720×400 screen; EC2 promises at most 100 KB. */
const JPEG_QUALITY = 60;

export const consoleOperations: Operations = {
  GetConsoleOutput: operation(
    { InstanceId: z.string(), Latest: z.boolean().default(false) },
    async (input, { cloud }) => {
      const instance = require(cloud.db.instances, 'i', input.InstanceId);
      const { text, at } = await readConsole(cloud, instance, input.Latest);
      return { InstanceId: instance.id, Timestamp: new Date(at), Output: text.toString('base64') };
    },
  ),

  GetConsoleScreenshot: operation(
    { InstanceId: z.string(), WakeUp: z.boolean().optional() },
    async (input, { cloud }) => {
      const instance = require(cloud.db.instances, 'i', input.InstanceId);
      const image = await cloud.machines.screen(instance.id);
      if (image === undefined) {
        throw new CloudError(
          'IncorrectInstanceState',
          `The instance '${instance.id}' is in state '${instance.state}'; a screenshot needs a running machine.`,
        );
      }
      return { InstanceId: instance.id, ImageData: encodeJpeg(image).toString('base64') };
    },
  ),
};

/** Live with Latest; else what was posted when the machine last changed its state. */
async function readConsole(
  { stateDir, now }: Cloud,
  instance: InstanceRecord,
  latest: boolean,
): Promise<{ text: Buffer; at: number }> {
  const empty = { text: Buffer.alloc(0), at: instance.consolePostedAt ?? now() };
  const handle = await open(consoleFile(stateDir, instance.id), 'r').catch(() => undefined);
  if (handle === undefined) return empty;
  try {
    const { size, mtimeMs } = await handle.stat();
    const end = latest ? size : Math.min(instance.consolePosted, size);
    const from = Math.max(0, end - WINDOW_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - from), 0, end - from, from);
    return { text: buffer.subarray(0, bytesRead), at: latest ? mtimeMs : empty.at };
  } finally {
    await handle.close();
  }
}

/** QEMU 7.2 writes PPM ("P6", width, height, 255, then RGB bytes); EC2 answers JPEG. */
function encodeJpeg(ppm: Buffer): Buffer {
  const header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(ppm.subarray(0, 64).toString('latin1'));
  if (header === null) throw new Error('the screen dump is not a PPM image');
  const [width, height] = [Number(header[1]), Number(header[2])];
  const rgba = Buffer.alloc(width * height * 4, 255);
  for (let from = header[0].length, to = 0; to < rgba.length; from += 3, to += 4) ppm.copy(rgba, to, from, from + 3);
  return Buffer.from(jpeg.encode({ data: rgba, width, height }, JPEG_QUALITY).data);
}
