import { encode } from 'jpeg-js';
import type { Check } from '../../../src/contract/check.ts';
import { type PhaseProgress, phasesOf } from '../../../src/contract/progress.ts';
import type { ArchivedVolume } from '../../../src/contract/results.ts';
import type { GivenBack, ReportData } from '../../../src/report/report-data.ts';

/** The run starts at this time; 40 requests a second start 20 s before. */
const START = Date.parse('2026-11-23T02:31:06.900Z');
const LEAD_MS = 20_000;
/** Seconds of each phase, as one laptop run had them. */
const SECONDS = [0.4, 0.9, 14.2, 6.1, 11.8, 0.3, 31.5, 2.2];
const CLONE = 'i-0d4e7ac2b19f03a5d';
const VERIFIER = 'i-0fb218c77d02e6a91';

/** A run in which everything holds: made up, but of the shape and size of a real one. */
export function sampleReport(): ReportData {
  const phases = samplePhases();
  return {
    madeAt: '2026-11-23T02:32:31.004Z',
    source: {
      instanceId: 'i-0c5e1f7a94b3d2608',
      accountId: '000000000000',
      region: 'local-1',
      instanceType: 't3.small',
      name: 'orders-db',
      applications: ['PostgreSQL 15', 'Redis 7'],
    },
    method: 'stop-and-snapshot',
    vaultUrl: 's3://understudy-vault/main',
    backup: {
      pointId: '20261123T023106Z-9f2c01ab',
      runId: '20261123T023106Z-9f2c01ab',
      vault: 'main',
      instanceId: 'i-0c5e1f7a94b3d2608',
      pointInTime: '2026-11-23T02:31:07.412Z',
      consistency: { disks: 'clean-shutdown', agents: {}, lowered: [], facts: SHUTDOWN_FACTS },
      volumes: [
        volume('vol-0a11c9e2f3b4d5e60', '/dev/sda1', 2, 331, 137_100_000),
        volume('vol-0b22d8f1e3c4a5b67', '/dev/sdf', 2, 412, 61_900_000),
      ],
      verification: {
        pointId: '20261123T023106Z-9f2c01ab',
        runId: '20261123T023141Z-11ab90ce',
        verdict: 'green',
        at: '2026-11-23T02:32:12.118Z',
        facts: VERIFICATION_FACTS,
        failures: [],
        isolation: [],
        restoredBytes: 743 * 524_288,
        restoreMs: 5_210,
        leftovers: [],
      },
      phases,
      leftovers: [],
    },
    preflight: PREFLIGHT,
    isolation: [
      { of: 'The network, before any launch', checks: NETWORK },
      { of: `The clone ${CLONE}, running`, checks: CONNECTION },
      { of: `The verification machine ${VERIFIER}, running`, checks: CONNECTION },
    ],
    machines: [
      { role: 'clone', machineId: CLONE, screenshot: CLONE_SCREEN, console: consoleOf(CLONE_CONSOLE) },
      { role: 'verify', machineId: VERIFIER, screenshot: VERIFY_SCREEN, console: consoleOf(VERIFY_CONSOLE) },
    ],
    databases: [
      {
        application: 'postgresql',
        clients: [1274, 1281, 1269, 1278].map((acknowledged, at) => ({
          client: `client-${at + 1}`,
          acknowledged,
          sent: acknowledged + 2,
          found: acknowledged + (at % 2),
          gaps: 0,
        })),
        values: [
          { name: 'accounts', production: 12_418, restored: 12_418 },
          { name: 'sum over all accounts', production: 12_418_000, restored: 12_418_000 },
        ],
      },
    ],
    load: { clients: 4, samples: sampleLoad(phases), reconnects: 0, pauses: 0, ledgerContacts: 0 },
    givenBack: GIVEN_BACK,
    calls: CALLS,
  };
}

const GIVEN_BACK: readonly GivenBack[] = [
  {
    name: 'search',
    holds: true,
    found: '1 of that name: /etc/postgresql.conf',
    command: 'understudy find postgresql.conf',
    seconds: 1.4,
  },
  {
    name: 'instant',
    holds: true,
    found: 'booted from the vault, first query answered after 9.3 s',
    command: 'understudy run latest --forward 5432',
    seconds: 9.3,
    bytesFetched: 61 * 2 ** 20,
  },
];

function samplePhases(): readonly PhaseProgress[] {
  let at = START;
  return phasesOf({ method: 'stop-and-snapshot' }).map((phase, index) => {
    const startedAt = new Date(at).toISOString();
    at += (SECONDS[index] ?? 1) * 1000;
    return { phase, state: 'done', startedAt, endedAt: new Date(at).toISOString(), summary: SUMMARIES[index] ?? '' };
  });
}

const SUMMARIES = [
  '18 checks, isolated network proven (17 lines)',
  '2 volumes at one instant, 02:31:07.412 UTC',
  `${CLONE} from the capture; PostgreSQL and Redis recovered`,
  'the guest powered itself off; ext4 clean ×2',
  '371 MiB read, 190 MiB stored, 2 volumes',
  'points/20261123T023106Z-9f2c01ab.json',
  'restored from the vault, booted; PostgreSQL and Redis answered',
  '2 instances, 6 volumes, 2 images, 6 snapshots removed; capture kept',
];

/** Reproducible noise (mulberry32): the page must look the same twice. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function sampleLoad(phases: readonly PhaseProgress[]) {
  const next = noise(7);
  const end = Date.parse(phases.at(-1)?.endedAt ?? '') + 5_000;
  const samples = [];
  for (let at = START - LEAD_MS; at < end; at += 20 + next() * 10) {
    const busy = at > START + 1_500 && at < end - 8_000 ? 1.25 : 1;
    const tail = next() > 0.985 ? 1 + next() * 2.2 : 1;
    samples.push({ at, ms: (9 + 5 * next() + 3 * next() * next()) * busy * tail, ok: true });
  }
  return samples;
}

function volume(
  volumeId: string,
  deviceName: string,
  gib: number,
  blocks: number,
  bytesStored: number,
): ArchivedVolume {
  const volumeBytes = gib * 2 ** 30;
  const holes = volumeBytes / 524_288 - blocks;
  const counted = {
    volumeBytes,
    bytesRead: blocks * 524_288,
    bytesStored,
    bytesReused: 0,
    blocks,
    holes,
    blocksAudited: 0,
  };
  return { volumeId, deviceName, ...counted, readAll: 'there is no earlier point' };
}

const SHUTDOWN_FACTS = [
  { name: 'power-off', verdict: 'clean', found: 'the guest powered itself off (Client.InstanceInitiatedShutdown)' },
  { name: 'file-system vol-0a11c9e2f3b4d5e60/p1', verdict: 'clean', found: 'ext4: RECOVER is not set' },
  { name: 'file-system vol-0b22d8f1e3c4a5b67/p1', verdict: 'clean', found: 'ext4: RECOVER is not set' },
  { name: 'console', verdict: 'clean', found: 'nothing on it contradicts an orderly shutdown' },
  { name: 'postgresql clean', verdict: 'clean', found: 'pg_control says "shut down"' },
  { name: 'redis clean', verdict: 'clean', found: 'appendonly.aof.3.incr.aof ends at a whole command' },
] as const;

const VERIFICATION_FACTS = [
  { name: 'file-system vol-0a11c9e2f3b4d5e60/p1', verdict: 'clean', found: 'ext4: RECOVER is not set' },
  { name: 'restored machine', verdict: 'clean', found: 'booted and ran its boot script to the end' },
  { name: 'postgresql answers', verdict: 'clean', found: 'recovered and answered (accounts 12418)' },
  { name: 'redis answers', verdict: 'clean', found: 'recovered and answered (keys 5102)' },
] as const;

function holds(name: string, found: string): Check {
  return { name, verdict: 'holds', found };
}

const PREFLIGHT: readonly Check[] = [
  holds('instance-running', 'i-0c5e1f7a94b3d2608 is running'),
  holds('volumes-attached', '2 volumes are attached'),
  holds('snapshot-permitted', 'CreateSnapshots is permitted (dry run)'),
];

const NETWORK: readonly Check[] = [
  holds('network-apart', "vpc-0e55 is not production's network"),
  holds('subnet-routes', 'rtb-0c11 has only the local route'),
  holds('internet-gateways', 'no internet gateway'),
  holds('dns-off', 'name resolution in vpc-0e55 is off'),
  holds('security-group', 'sg-0d10 allows nothing in and nothing out'),
  {
    name: 'resolver-rules',
    verdict: 'accepted',
    found: 'Route 53 Resolver rule associations of the network cannot be read by this worker',
  },
];

const CONNECTION: readonly Check[] = [
  holds('machine-interface', '1 interfaces, in subnet-0b77'),
  holds('machine-group', 'groups sg-0d10'),
  holds('machine-addresses', 'no public and no IPv6 address'),
  holds('machine-profile', 'no instance profile'),
];

const CALLS = [
  { service: 'ebs', action: 'GetSnapshotBlock', calls: 743, errors: 0 },
  { service: 'ebs', action: 'PutSnapshotBlock', calls: 745, errors: 0 },
  { service: 'ec2', action: 'DescribeInstances', calls: 61, errors: 0 },
  { service: 'ec2', action: 'DescribeSnapshots', calls: 48, errors: 0 },
  { service: 'ec2', action: 'CreateSnapshots', calls: 3, errors: 1 },
];

const CLONE_CONSOLE = [
  '[    0.000000] Linux version 6.1.0-28-cloud-amd64',
  '[    2.114801] EXT4-fs (nvme0n1p1): recovery complete',
  'UNDERSTUDY 20261123T023106Z-9f2c01ab 1 {"step":"detect","recipe":"postgresql","ok":true}',
  'UNDERSTUDY 20261123T023106Z-9f2c01ab 2 {"step":"recovered","recipe":"postgresql","ok":true}',
  '\u001b[32m  OK  \u001b[0m <b>stopping</b> [everything](http://evil.example) in order',
  '[   14.882107] reboot: Power down',
];

const VERIFY_CONSOLE = [
  '[    1.998341] EXT4-fs (nvme0n1p1): mounted filesystem with ordered data mode',
  'UNDERSTUDY 20261123T023141Z-11ab90ce 4 {"step":"probe","recipe":"postgresql","ok":true}',
  '[   12.410022] reboot: Power down',
];

function consoleOf(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.join('\r\n'));
}

/** Grey strokes on black where letters would be: a text screen of the size QEMU gives. */
function screen(seed: number): Uint8Array {
  const next = noise(seed);
  const width = 720;
  const height = 400;
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
  }
  for (let row = 0; row < 24; row++) {
    const letters = 10 + Math.floor(next() * 55);
    for (let at = 0; at < letters; at++) {
      if (next() < 0.16) continue;
      for (let y = row * 16 + 4; y < row * 16 + 13; y++) {
        for (let x = at * 9 + 2; x < at * 9 + 8; x++) {
          if (next() < 0.55) data.fill(170, (y * width + x) * 4, (y * width + x) * 4 + 3);
        }
      }
    }
  }
  return encode({ data, width, height }, 70).data;
}

/** Encoded once: a JPEG takes longer than the page. */
const CLONE_SCREEN = screen(7);
const VERIFY_SCREEN = screen(3);
