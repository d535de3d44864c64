import { expect, test } from 'vitest';
import { requireSupported } from '../../../setup/platform.mjs';

const DEBIAN_12 = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n';
const UBUNTU = 'PRETTY_NAME=\'Ubuntu 24.04.1 LTS\'\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n';

test.each([
  { osRelease: DEBIAN_12, name: 'Debian 12', tested: true },
  { osRelease: UBUNTU, name: 'Ubuntu 24.04', tested: false },
])('$name is supported', ({ osRelease, name, tested }) => {
  expect(requireSupported({ platform: 'linux', arch: 'x64', osRelease })).toMatchObject({ name, tested });
});

test.each([
  { machine: { platform: 'darwin', arch: 'arm64', osRelease: undefined }, found: 'this is darwin arm64' },
  { machine: { platform: 'linux', arch: 'arm64', osRelease: DEBIAN_12 }, found: 'this is linux arm64' },
  {
    machine: { platform: 'linux', arch: 'x64', osRelease: 'ID=debian\nVERSION_ID=11\nPRETTY_NAME=Old' },
    found: 'This is Old',
  },
  { machine: { platform: 'linux', arch: 'x64', osRelease: undefined }, found: 'an unknown Linux' },
])('anything else is refused with what it is and a remedy: $found', ({ machine, found }) => {
  expect(() => requireSupported(machine)).toThrow(found);
  expect(() => requireSupported(machine)).toThrow('Remedy: run it on Debian 12');
});
