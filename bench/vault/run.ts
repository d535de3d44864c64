import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type S3Server, startS3 } from '../../local/servers/s3.ts';
import { cacheFolder } from '../../setup/cache.mjs';
import { measure, readCpuSeconds } from '../measure.ts';
import type { Contender, Images, Step } from './contender.ts';
import { ensureImages, showAs } from './image.ts';
import { type Limits, measureLimits } from './limits.ts';
import { borgContender, resticContender } from './other-contenders.ts';
import { ourContender } from './our-contender.ts';
import { type Facts, writePage } from './page.ts';
import { ensureTools, type Tools } from './tools.ts';

export interface VaultBenchRequest {
  readonly imageBytes: number;
  readonly steps: readonly Step[];
  readonly rounds: number;
  readonly restic: string;
  /** Results as JSON lines on standard output. */
  readonly json: boolean;
}

/** One program doing one step once. */
export interface Result {
  readonly round: number;
  readonly step: Step;
  readonly contender: string;
  readonly place: 's3' | 'folder';
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** Of the S3 server meanwhile; it runs on the same cores. */
  readonly serverCpuSeconds: number | null;
  readonly peakMebibytes: number;
  /** In the repository afterwards: what a listing shows, and with older versions and delete markers. */
  readonly storedBytes: number;
  readonly storedBytesAllVersions: number;
  readonly requests: number | null;
}

const ROOT = join(import.meta.dirname, '..', '..');
const BUCKET = 'bench';
const note = (text: string) => void process.stderr.write(`${text}\n`);

/** Runs the whole comparison; needs 5 times the image's size of disk. */
export async function runVaultBench(request: VaultBenchRequest): Promise<void> {
  const tools = await ensureTools(request.restic, note);
  const cacheDir = cacheFolder(process.env);
  const images = await ensureImages({ cacheDir, bytes: request.imageBytes, note });
  note('building the package');
  execFileSync(process.execPath, [join(ROOT, 'build', 'main.ts')], { stdio: ['ignore', 'ignore', 2] });
  // Beside the images, to which it links.
  const workDir = await mkdtemp(join(cacheDir, 'bench-work-'));
  const accessLog = join(workDir, 'requests.log');
  const server = await startS3({ stateDir: join(workDir, 'server'), bucket: BUCKET, region: 'local-1', accessLog });
  try {
    const bench: Bench = {
      request,
      tools,
      workDir,
      server,
      accessLog,
      images: { ...images, path: join(workDir, 'image') },
    };
    const limits = await measureLimits(images, server);
    const results: Result[] = [];
    for (let round = 1; round <= request.rounds; round++) results.push(...(await runRound(bench, round)));
    await writePage(join(ROOT, 'docs', 'performance.md'), { facts: factsOf(bench, images.sha256), limits, results });
    if (request.json) printLines({ facts: factsOf(bench, images.sha256), limits, results });
  } finally {
    await server.stop();
    await rm(workDir, { recursive: true, force: true });
  }
}

interface Bench {
  readonly request: VaultBenchRequest;
  readonly tools: Tools;
  readonly workDir: string;
  readonly server: S3Server;
  readonly accessLog: string;
  readonly images: Images;
}

/** Step by step, so that neighbours in time are compared; every other round in the opposite order. */
async function runRound(bench: Bench, round: number): Promise<Result[]> {
  const contenders = await makeContenders(bench, round);
  if (round % 2 === 0) contenders.reverse();
  const results: Result[] = [];
  for (const contender of contenders) await contender.prepare();
  for (const step of bench.request.steps) {
    await showAs(step === 'second' ? bench.images.second : bench.images.first, bench.images.path);
    for (const contender of contenders) {
      const result = await runStep(bench, { contender, step, round });
      if (result) results.push(result);
    }
  }
  for (const { folder } of contenders) await rm(folder, { recursive: true, force: true });
  return results;
}

async function makeContenders(bench: Bench, round: number): Promise<Contender[]> {
  const { workDir, server, tools, images } = bench;
  const keyFile = join(workDir, 'key');
  await writeFile(keyFile, `${'42'.repeat(32)}\n`, { mode: 0o600 });
  const env = {
    AWS_ENDPOINT_URL_S3: server.endpoint,
    AWS_REGION: server.region,
    AWS_DEFAULT_REGION: server.region,
    AWS_ACCESS_KEY_ID: server.root.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.root.secretAccessKey,
  };
  const inBucket = (name: string) => join(workDir, 'server', 's3', 'objects', BUCKET, name);
  const ours = { env, keyFile, dist: join(ROOT, 'dist'), images };
  const s3 = (name: string, prefix: string, options: { hints: boolean; verifySealed: boolean }) => {
    const url = `s3://${BUCKET}/${prefix}`;
    return ourContender({ ...ours, ...options, name, place: 's3', folder: inBucket(prefix), url });
  };
  const restic = (compression: 'auto' | 'fastest') => {
    const prefix = `restic-${compression}-${round}`;
    const url = `${server.endpoint}/${BUCKET}/${prefix}`;
    return resticContender({ program: tools.restic, compression, folder: inBucket(prefix), url, env, workDir, images });
  };
  const inFolder = (name: string) => join(workDir, `${name}-${round}`);
  await mkdir(inFolder('vault'), { recursive: true });
  return [
    s3('understudy', `ours-${round}`, { hints: true, verifySealed: true }),
    restic('auto'),
    ...(tools.resticFastest ? [restic('fastest')] : []),
    s3('understudy, no hints, sealed blocks not opened', `bare-${round}`, { hints: false, verifySealed: false }),
    ourContender({
      ...ours,
      ...{ name: 'understudy', place: 'folder', hints: true, verifySealed: true },
      folder: inFolder('vault'),
      url: pathToFileURL(inFolder('vault')).href,
    }),
    borgContender({ folder: inFolder('borg'), workDir, images }),
  ];
}

interface StepOf {
  readonly contender: Contender;
  readonly step: Step;
  readonly round: number;
}

async function runStep(bench: Bench, { contender, step, round }: StepOf): Promise<Result | undefined> {
  const { server, accessLog, images, workDir } = bench;
  const target = join(workDir, 'restored');
  const command = await contender.command(step, target);
  if (!command) return undefined;
  // Everybody finds the image in memory, and nobody waits for what another has left to be written.
  execFileSync('sh', ['-c', `cat '${images.path}' > /dev/null && sync`]);
  const before = { cpu: readCpuSeconds(server.pid), requests: await countLines(accessLog) };
  const { stdout, ...used } = await measure(command);
  const { wallSeconds, cpuSeconds, peakMebibytes } = used;
  const told = `${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s, ${Math.round(peakMebibytes)} MiB`;
  note(`round ${round}  ${step.padEnd(8)} ${contender.place.padEnd(6)}  ${told}  ${contender.name}`);
  const isS3 = contender.place === 's3';
  contender.done?.(step, stdout);
  if (step === 'restore' || step === 'range') {
    mustEqual({ images, step, found: step === 'range' ? target : contender.restored(target) });
    await rm(target, { recursive: true, force: true });
  }
  const storedBytes = await sizeOf(contender.folder);
  const versions = contender.folder.replace('/s3/objects/', '/s3/versions/');
  return {
    ...{ round, step, contender: contender.name, place: contender.place, ...used, storedBytes },
    storedBytesAllVersions: storedBytes + (isS3 ? await sizeOf(versions) : 0),
    serverCpuSeconds: isS3 ? readCpuSeconds(server.pid) - before.cpu : null,
    requests: isS3 ? (await countLines(accessLog)) - before.requests : null,
  };
}

/** What a program restored must be the image, or its speed means nothing. */
function mustEqual({ images, step, found }: { images: Images; step: Step; found: string }): void {
  const offset = step === 'range' ? images.rangeOffset : 0;
  const bytes = step === 'range' ? ['--bytes', `${100 * 2 ** 20}`] : [];
  execFileSync('cmp', [...bytes, '--ignore-initial', `0:${offset}`, found, images.first], {
    stdio: ['ignore', 'ignore', 2],
  });
}

async function countLines(file: string): Promise<number> {
  const content = await readFile(file).catch(() => Buffer.alloc(0));
  return content.filter((byte) => byte === 0x0a).length;
}

/** Of all files below a folder; 0 when there is none. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function factsOf({ request, tools, images }: Bench, sha256: string): Facts {
  const [cpu] = cpus();
  return {
    at: new Date().toISOString(),
    processor: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
    restic: tools.resticVersion,
    resticFastest: tools.resticFastest,
    borg: tools.borgVersion,
    commit: execFileSync('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    imageBytes: images.bytes,
    imageSha256: sha256,
    rounds: request.rounds,
  };
}

function printLines({ facts, limits, results }: { facts: Facts; limits: Limits; results: readonly Result[] }): void {
  const line = (type: string, value: object) => process.stdout.write(`${JSON.stringify({ type, ...value })}\n`);
  for (const result of results) line('item', result);
  line('result', { facts, limits });
}
