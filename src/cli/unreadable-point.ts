import type { CliDeps } from './deps.ts';
import { terminalText } from './terminal-text.ts';

/** `latest` goes past a point that cannot be read, and must not do so in silence: it may be the one that was meant. */
export function tellUnreadable({ stderr }: Pick<CliDeps, 'stderr'>) {
  return ({ pointId, reason }: { readonly pointId: string; readonly reason: string }): void => {
    stderr.write(`passed over  ${pointId} is newer and cannot be read: ${terminalText(reason)}\n`);
  };
}
