import { VaultError } from '../errors.ts';

/** Version 1 defines no features; a name there means a later program wrote what this one cannot read. */
export function mustKnow(features: readonly string[], object: string): void {
  if (features.length === 0) return;
  const message = `${object} needs the features ${features.join(', ')}, which this version does not know; use a later one`;
  throw new VaultError('VaultIncompatible', message, { context: { object } });
}
