import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cloud } from '../../local/cloud/cloud.ts';
import { openCloud } from '../../local/cloud/create-cloud.ts';
import { ec2Service } from '../../local/cloud/ec2/service.ts';
import { kmsService } from '../../local/cloud/kms/service.ts';
import { Settings, type SettingsInput } from '../../local/cloud/settings.ts';
import type { WireAnswer, WireRequest, WireService } from '../../local/cloud/wire/request.ts';

const KEY = { name: 'root', accessKeyId: 'AKIDROOT00000000', secretAccessKey: 'root-secret-root-secret' };

export interface CloudInProcess {
  readonly stateDir: string;
  /** Opens the folder: again, as a cloud that was killed finds it. */
  open(): Promise<Cloud>;
  end(): void;
}

/** Instead of `qemu-img`: `create` makes a file of that name, which stands before the size, and no layer holds anything. */
const FAKE_IMG = `#!/bin/sh
case $1 in
  create) while [ $# -gt 2 ]; do shift; done; echo layer > "$1" ;;
  map) echo '[]' ;;
esac
`;

/** A local cloud without a server, machines or disks: what it remembers is real, and what it says. */
export function cloudInProcess(changes: Partial<SettingsInput> = {}): CloudInProcess {
  const stateDir = mkdtempSync(join(tmpdir(), 'understudy-cloud-'));
  const img = join(stateDir, 'qemu-img');
  writeFileSync(img, FAKE_IMG, { mode: 0o755 });
  const settings = Settings.parse({ keys: [KEY], describeLagMs: 0, qemu: { img }, ...changes });
  let open: Cloud | undefined;
  return {
    stateDir,
    async open() {
      open?.store.close();
      open = await openCloud(stateDir, settings);
      return open;
    },
    end() {
      open?.store.close();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

/** One EC2 call by the fields of its form; resolves with the XML, rejects with the error. */
export async function askEc2(cloud: Cloud, fields: Readonly<Record<string, string>>): Promise<string> {
  const { body } = await ask(ec2Service, cloud, { body: Buffer.from(String(new URLSearchParams(fields))) });
  return String(body);
}

/** One KMS call; resolves with the answer, null where there is none. */
export async function askKms(cloud: Cloud, action: string, input: object) {
  const headers = { 'x-amz-target': `TrentService.${action}` };
  const { body } = await ask(kmsService, cloud, { headers, body: Buffer.from(JSON.stringify(input)) });
  return JSON.parse(String(body) || 'null');
}

/** What stands in the first element of this name. */
export function readElement(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  if (text === undefined) throw new Error(`no ${name} in ${xml}`);
  return text;
}

export function ask(service: WireService, cloud: Cloud, request: Partial<WireRequest>): Promise<WireAnswer> {
  return service.answer(cloud, {
    method: 'POST',
    path: '/',
    query: new URLSearchParams(),
    headers: {},
    body: Buffer.alloc(0),
    bodySha256: () => Buffer.alloc(0),
    accessKeyId: KEY.accessKeyId,
    requestId: 'request-1',
    ...request,
  });
}
