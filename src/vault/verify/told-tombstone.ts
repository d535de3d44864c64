import { findTombstone } from '../read-tombstone.ts';
import type { Verification } from './verification.ts';

/** A forged one ends nothing, but somebody wrote it. */
export async function readToldTombstone(
  { vault, tell, signal }: Verification,
  pointId: string,
): Promise<'valid' | 'none'> {
  const remains = 'it is ignored and the point stays; find out who wrote it';
  const onInvalid = (object: string, found: string) => tell({ severity: 'notice', object, found, remains, pointId });
  return (await findTombstone(vault, { pointId, signal, onInvalid })) ? 'valid' : 'none';
}
