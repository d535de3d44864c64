import { expect, test } from 'vitest';
import { outputVolume } from '../../../src/contract/agent-output.ts';
import { scratchDevice } from '../../../src/platforms/ec2/run-instance.ts';
import { machineFacts } from '../../support/fake-activities.ts';

const REGION = { fromGiB: 1, giB: 1 };
const [pattern] = machineFacts('i-1').volumes;

function machineWith(deviceNames: readonly string[]) {
  const volumes = deviceNames.map((deviceName) => ({ ...pattern, volumeId: deviceName, deviceName }));
  return { ...machineFacts('i-1'), volumes } as ReturnType<typeof machineFacts>;
}

const SINGLE = [...'abcdefghijklmnopqrstuvwxyz'].map((letter) => `/dev/sd${letter}`);
const DOUBLE = [...'abcdefghijklmn'].map((letter) => `/dev/xvdb${letter}`);

test.each([
  { volumes: ['/dev/xvda', '/dev/xvdf'], scratch: '/dev/sdg', output: '/dev/sdp' },
  { volumes: ['/dev/sda1', '/dev/xvdfa', 'sdp1'], scratch: '/dev/sdf', output: '/dev/sdo' },
  { volumes: SINGLE, scratch: '/dev/xvdba', output: '/dev/xvdba' },
  { volumes: [...SINGLE, ...DOUBLE], scratch: '/dev/xvdbo', output: '/dev/xvdbo' },
])('beside $volumes.length volumes nobody gets a name that is taken', ({ volumes, scratch, output }) => {
  const machine = machineWith(volumes);
  expect(scratchDevice(machine)).toBe(scratch);
  expect(outputVolume(machine, REGION).deviceName).toBe(output);
});

test('in a machine that has both, the scratch volume and the output do not meet', () => {
  const machine = machineWith([...SINGLE, ...DOUBLE]);
  const both = { ...machine, volumes: [...machine.volumes, outputVolume(machine, REGION)] };
  expect(scratchDevice(both)).toBe('/dev/xvdbp');
});
