import { FormatError } from '../errors.ts';
import { readAsciiField } from './bytes.ts';
import { RunId, VolumeId } from './fields.ts';

/** Ids that become part of object keys are checked where they are decoded, so no decoder hands out a path. */

export function readRunId(field: string, bytes: Uint8Array): string {
  const text = readAsciiField(field, bytes);
  if (!RunId.safeParse(text).success) throw new FormatError(`${field} is '${text}', which is no run id`);
  return text;
}

export function readVolumeId(field: string, bytes: Uint8Array): string {
  const text = readAsciiField(field, bytes);
  if (!VolumeId.safeParse(text).success) throw new FormatError(`${field} is '${text}', which is no volume id`);
  return text;
}
