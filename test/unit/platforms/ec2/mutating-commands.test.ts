import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const FOLDER = new URL('../../../../src/platforms/ec2/', import.meta.url);
const sources = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(new URL(name, FOLDER), 'utf8') }));

/** Where a command that changes something may be sent from. Everything not listed must only read. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'capture.ts': ['CreateSnapshots'],
  'preflight.ts': ['CreateSnapshots'],
  'image.ts': ['RegisterImage'],
  'run-instance.ts': ['RunInstances'],
  'create-volume.ts': ['CreateVolume'],
  'ebs-sink.ts': ['CompleteSnapshot', 'PutSnapshotBlock', 'StartSnapshot'],
  'mutations.ts': [
    'CancelCommand',
    'CreateSnapshot',
    'CreateSnapshots',
    'DeleteSnapshot',
    'DeleteVolume',
    'DeregisterImage',
    'SendCommand',
    'StopInstances',
    'TerminateInstances',
  ],
};

test('only the listed files send commands that change something, and nobody can reboot, modify or attach', () => {
  const found = Object.fromEntries(
    sources.flatMap(({ name, text }) => {
      const commands = [...text.matchAll(/\bnew ([A-Z]\w+)Command\(/g)].map(([, command]) => command ?? '');
      const changing = commands.filter((command) => !/^(Describe|Get|List)/.test(command));
      return changing.length === 0 ? [] : [[name, [...new Set(changing)].sort()]];
    }),
  );
  expect(found).toEqual(ALLOWED);
});

test('everything in mutations.ts takes an Owned id', () => {
  const text = sources.find(({ name }) => name === 'mutations.ts')?.text ?? '';
  const functions = text.split(/^export async function /m).slice(1);
  const requests = [...text.matchAll(/^export interface (\w+)[^}]*Owned</gm)].map(([, name]) => name ?? '');
  expect(functions.length).toBe(9);
  for (const body of functions) {
    const parameters = body.slice(0, body.indexOf('): Promise'));
    expect(parameters.includes('Owned<') || requests.some((name) => parameters.includes(name)), body.slice(0, 60)).toBe(
      true,
    );
  }
});

test('only owned.ts can make an Owned id', () => {
  const makers = sources.filter(({ text }) => /as Owned</.test(text)).map(({ name }) => name);
  expect(makers).toEqual(['owned.ts']);
});

test("the preflight's CreateSnapshots is a dry run", () => {
  const text = sources.find(({ name }) => name === 'preflight.ts')?.text ?? '';
  expect(text.match(/new CreateSnapshotsCommand\(\{[^;]*DryRun: true/)).not.toBeNull();
});
