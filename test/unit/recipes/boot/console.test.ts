import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readConsole } from '../../../../src/recipes/boot/console.ts';

const RUN = '20261123T023107Z-9f2c01ab';
const read = (text: string) => readConsole(Buffer.from(text), RUN);

test('numbered lines of this run are progress, those of another run are not', () => {
  const { progress } = read(
    `\r\nUNDERSTUDY ${RUN} 1 {"step":"started","ok":true}\r\nUNDERSTUDY 20250101T000000Z-00000000 9 {"step":"failed"}\r\n[ 3.2] UNDERSTUDY ${RUN} 2 {"step":"recovered","recipe":"redis","ok":false}\r\n`,
  );
  expect(progress).toEqual([
    { n: 1, step: 'started', ok: true },
    { n: 2, step: 'recovered', recipe: 'redis', ok: false },
  ]);
});

test.each([
  ['[  12.1] Kernel panic - not syncing: Attempted to kill init!', /panicked/],
  ['You are in emergency mode. After logging in, type "journalctl -xb"', /emergency/],
  ['guest 9.31 Killing postgres (211): it did not end when asked', /killed at shutdown/],
  ['[  120.4] systemd-shutdown[1]: Sending SIGKILL to PID 412 (postgres).', /killed at shutdown/],
  ['Sending SIGKILL to PID 412 (postgres).', /killed at shutdown/],
  ["\u001b[0;1;38;5;185mledger.service: State 'stop-sigterm' timed out. Killing.\u001b[0m", /killed at shutdown/],
  ['\u001b[0;1;39mledger.service: Killing process 369 (sh) with signal SIGKILL.\u001b[0m', /killed at shutdown/],
  ['guest 9.31 WARNING: postgres (211) did not stop in time', /ignored the shutdown/],
  ['guest 11.0 WARNING: /var/lib/postgresql: target is busy, not unmounted', /busy/],
  ['EXT4-fs error (device nvme0n1p1): ext4_lookup:1234: inode #2', /error on a disk/],
])('"%s" contradicts an orderly end', (line, meaning) => {
  const { fact } = read(`booting\n${line}\nreboot: Power down\n`);
  expect(fact.verdict).toBe('dirty');
  expect(fact.found).toMatch(meaning);
});

test('an ordinary console does not contradict, and "Power down" alone proves nothing more', () => {
  expect(read('All filesystems unmounted.\nreboot: Power down\n').fact.verdict).toBe('clean');
});

// From the ends of Debian 12 with MariaDB on an XFS of its own.
const SYSTEMD_END = [
  '[[0;1;31mFAILED[0m] Failed unmounting [0;1;39mvar-lib-mysql.mount[0m - /var/lib/mysql.',
  '[[0;32m  OK  [0m] Stopped [0;1;39mmariadb.service[0… MariaDB 10.11.19 database server.',
  '[[0;32m  OK  [0m] Unmounted [0;1;39mboot-efi.mount[0m - /boot/efi.',
  '[[0;32m  OK  [0m] Reached target [0;1;39mpoweroff.target[0m - System Power Off.',
  '[  120.216384] systemd-shutdown[1]: Sending SIGTERM to remaining processes...',
  '[  120.250663] systemd-journald[224]: Received SIGTERM from PID 1 (systemd-shutdow).',
  '[  120.300092] systemd-shutdown[1]: Sending SIGKILL to remaining processes...',
  '[  120.322297] systemd-shutdown[1]: Unmounting file systems.',
  "[  120.382884] (sd-umount)[588]: Unmounting '/var/lib/mysql'.",
  // As it says the same where its messages go to the console.
  'session-1.scope: Killing process 512 (tmux) with signal SIGTERM.',
  'cloud-final.service: Unit process 524 (sleep) remains running after unit stopped.',
  'Sending SIGKILL to remaining processes...',
  '[  120.458583] systemd-shutdown[1]: All filesystems unmounted.',
  '[  120.833424] reboot: Power down',
].join('\r\n');

test('an orderly end under systemd does not contradict: a mount that it retries, and its last signals, are part of each', () => {
  expect(read(SYSTEMD_END).fact).toMatchObject({ verdict: 'clean' });
});

test('no console is not observed', () => {
  expect(readConsole(undefined, RUN).fact.verdict).toBe('not-observed');
  expect(readConsole(new Uint8Array(), RUN).fact.verdict).toBe('not-observed');
});

test('control characters of the guest never leave the reader', () => {
  const { progress, fact } = read(
    `UNDERSTUDY ${RUN} 1 {"step":"started","text":"\\u001b[2Jgone\\u202e"}\nKilling \u001b]0;evil\u0007 (1)\n`,
  );
  const steering = /[\p{Cc}\u202e]/u;
  expect(JSON.stringify(progress)).not.toMatch(/\\u001b|\u202e/);
  expect(fact.found).not.toMatch(steering);
});

test('any bytes give a reading', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
      const { fact } = readConsole(bytes, RUN);
      expect(fact.found.length).toBeLessThanOrEqual(200);
    }),
  );
});
