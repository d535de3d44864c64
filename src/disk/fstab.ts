import type { FileSystemFact } from './file-system-fact.ts';

export interface Mount {
  readonly spec: string;
  /** Without a trailing slash; the root is ''. */
  readonly path: string;
}

/** More lines than any machine has. */
const MAX_LINES = 1_000;

/** fstab(5): spec, folder, type, options; blanks inside of a field are written as \040. */
export function parseFstab(text: string): readonly Mount[] {
  return text
    .split('\n')
    .slice(0, MAX_LINES)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => {
      const [spec, folder, type = 'auto'] = line.split(/[ \t]+/).map(decodeField);
      if (
        spec === undefined ||
        folder === undefined ||
        !folder.startsWith('/') ||
        ['swap', 'none', 'tmpfs', 'proc'].includes(type)
      )
        return [];
      return [{ spec: spec.replace(/"/g, ''), path: folder.replace(/\/+$/, '') }];
    });
}

/** What a device name of fstab means, with the disks in the order in which the machine has them. */
export function matchesSpec(spec: string, fact: FileSystemFact, diskIndex: number): boolean {
  const [, kind = '', value = ''] = /^([^=/]*)=(.*)$/.exec(spec) ?? byLinkName(spec);
  switch (kind.toUpperCase()) {
    case 'UUID':
      return fact.uuid?.toLowerCase() === value.toLowerCase();
    case 'LABEL':
      return fact.label === value;
    case 'PARTUUID':
      return fact.partUuid?.toLowerCase() === value.toLowerCase();
    default:
      return matchesDevice(spec, fact, diskIndex);
  }
}

function byLinkName(spec: string): readonly string[] {
  const [link = '', kind = '', name = ''] = /^\/dev\/disk\/by-(uuid|label|partuuid)\/(.+)$/.exec(spec) ?? [];
  return [link, kind, name.replace(/\\x20/g, ' ')];
}

/** Best effort: names of devices follow the order of attachment, which no machine promises to keep. */
function matchesDevice(spec: string, { partition }: FileSystemFact, diskIndex: number): boolean {
  const nvme = /^\/dev\/nvme(\d+)n1(?:p(\d+))?$/.exec(spec);
  if (nvme) return Number(nvme[1]) === diskIndex && Number(nvme[2] ?? 0) === partition;
  const letter = /^\/dev\/(?:sd|xvd|vd)([a-z])(\d*)$/.exec(spec);
  if (!letter?.[1]) return false;
  return letter[1].charCodeAt(0) - 'a'.charCodeAt(0) === diskIndex && Number(letter[2] || 0) === partition;
}

function decodeField(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
