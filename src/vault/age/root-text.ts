import { FormatError } from '../../errors.ts';
import { fromHex, hex } from '../bytes.ts';
import type { RootName } from '../key-service.ts';

/**
 * What an age file of a root holds (docs/vault-format.md 3.4): text, so that `age -d` shows a person what it is. The age
 * format has no additional data, so vault, epoch and purpose stand inside, where only the recipient sees them.
 */
export function encodeRoot(root: Uint8Array, { vaultId, epoch, purpose }: RootName): string {
  return `understudy/v1/root\nvault ${vaultId}\nepoch ${epoch}\npurpose ${purpose}\nroot ${hex(root)}\n`;
}

const TEXT =
  /^understudy\/v1\/root\nvault ([0-9a-f-]{36})\nepoch (\d{1,10})\npurpose ([a-z]{1,20})\nroot ([0-9a-f]{64})\n$/;

/** The root, if the text is of the named one; FormatError says what it is instead, never the root. */
export function decodeRoot(text: string, { vaultId, epoch, purpose }: RootName): Uint8Array {
  const [, ofVault, ofEpoch, ofPurpose, root = ''] = TEXT.exec(text) ?? [];
  if (ofVault === undefined) throw new FormatError('holds no root of an understudy vault');
  if (ofVault === vaultId && ofEpoch === String(epoch) && ofPurpose === purpose) return fromHex(root);
  throw new FormatError(`holds the ${ofPurpose} root of epoch ${ofEpoch} of vault ${ofVault}`);
}
