import { crc32c } from '../../disk/crc32c.ts';

/** The file is padded to this (pg_control.h: PG_CONTROL_FILE_SIZE); what counts fits a 512-byte sector. */
export const PG_CONTROL_BYTES = 8_192;

/**
 * global/pg_control of a little-endian 64-bit server:
 *
 *   0   8  system_identifier
 *   8   4  pg_control_version: 1201 = 12, 1300 = 13 to 16, 1700 = 17, 1800 = 18
 *   16  4  state (DBState)
 *   n   4  CRC-32C of the n bytes before: where it lies depends on the version
 *
 * n is the sum of the fields of ControlFileData in src/include/catalog/pg_control.h of each release.
 */
const CRC_OFFSET: Readonly<Record<number, number>> = { 1201: 288, 1300: 288, 1700: 288, 1800: 292 };

/** DBState of pg_control.h, with the words of pg_controldata. */
const STATES = [
  'starting up',
  'shut down',
  'shut down in recovery',
  'shutting down',
  'in crash recovery',
  'in archive recovery',
  'in production',
] as const;

export interface ControlFile {
  readonly version: number;
  readonly state: (typeof STATES)[number];
  readonly isShutDown: boolean;
}

/** Any bytes give an answer; only a control file that passes its own CRC gives a state. */
export function readControlFile(bytes: Uint8Array): ControlFile | 'unknown-version' | 'damaged' {
  if (bytes.length < 20) return 'damaged';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(8, true);
  const crcOffset = CRC_OFFSET[version];
  if (crcOffset === undefined) return 'unknown-version';
  if (bytes.length < crcOffset + 4) return 'damaged';
  if (view.getUint32(crcOffset, true) !== crc32c(bytes.subarray(0, crcOffset))) return 'damaged';
  const state = STATES[view.getUint32(16, true)];
  if (state === undefined) return 'damaged';
  return { version, state, isShutDown: state === 'shut down' || state === 'shut down in recovery' };
}
