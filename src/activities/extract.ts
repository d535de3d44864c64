import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { OutputRegion } from '../contract/agent-output.ts';
import type { RecipeAnswer } from '../contract/evidence.ts';
import type { SnapshotFacts } from '../contract/machine.ts';
import type { Extract } from '../contract/results.ts';
import { guestText } from '../disk/guest-text.ts';
import { EvidenceError } from '../errors.ts';
import type { DataPlatform } from '../platforms/platform.ts';
import { type BootResults, readBootReport } from '../recipes/boot/report.ts';
import { extractPart, writeEvidence } from '../vault/index.ts';
import { beating } from './beating.ts';
import { readStretch } from './read-stretch.ts';
import type { EvidenceRequest } from './seal-evidence.ts';
import { snapshotBytes } from './snapshot-bytes.ts';
import type { VaultDoor } from './vault-door.ts';

export interface ExtractDeps {
  readonly platform: DataPlatform;
  readonly vaults: VaultDoor;
}

export interface ExtractRequest extends EvidenceRequest {
  readonly recipe: string;
  readonly scratch: SnapshotFacts;
  readonly region: OutputRegion;
}

/** 16 MiB: a part is sealed in memory, and a retry repeats at most one. */
const PART_BYTES = 16 << 20;
const GIB = 2 ** 30;

/** What extract.sh recorded. */
const RecordText = z
  .string()
  .regex(/^bytes (\d{1,15})\nsha256 ([0-9a-f]{64})\n$/)
  .transform((text) => {
    const [, bytes, sha256 = ''] = /^bytes (\d+)\nsha256 (\w+)\n$/.exec(text) ?? [];
    return { bytes: Number(bytes), sha256 };
  });

export function createExtractActivities({ platform, vaults }: ExtractDeps) {
  return {
    /**
     * From the scratch volume's snapshot into the vault, sealed in parts. The digest of what was read back must be the
     * one that was taken in the machine. Repeatable: parts that stand are the same ones.
     */
    async sealExtract(request: ExtractRequest): Promise<Extract> {
      return beating(async (beat) => {
        const { run, scratch, region, recipe } = request;
        const source = await platform.openSource(run, scratch.snapshotId, beat.signal);
        const results = await readBootReport(snapshotBytes(source), run.runId, beat.signal);
        const { answer, recorded } = mustHaveExtract(results, recipe, region);
        const vault = await vaults.open(request.vault, beat.signal);
        const hash = createHash('sha256');
        let parts = 0;
        const stretch = { source, from: region.fromGiB * GIB, bytes: recorded.bytes, pieceBytes: PART_BYTES };
        for await (const bytes of readStretch(stretch, beat.signal)) {
          hash.update(bytes);
          const name = extractPart(parts++);
          const sealed = {
            vault,
            runId: run.runId,
            name,
            contentType: 'application/octet-stream',
            bytes,
            unlocked: true,
          };
          await writeEvidence({ ...sealed, signal: beat.signal });
          beat.progress({ parts });
        }
        const sha256 = hash.digest('hex');
        if (sha256 !== recorded.sha256) {
          throw new EvidenceError(
            'ExtractFailed',
            `what was read back has SHA-256 ${sha256}, the machine wrote ${recorded.sha256}. Try again; if it stays so, look at the snapshot's volume`,
          );
        }
        const { rows, format, table } = answer.facts;
        return {
          parts,
          bytes: recorded.bytes,
          sha256,
          format: /^[a-z0-9-]{1,20}$/.test(String(format)) ? String(format) : 'bytes',
          name: guestText(String(table ?? '')),
          rows: typeof rows === 'number' ? rows : null,
        };
      });
    },
  };
}

/** ExtractFailed in the recipe's own words. */
function mustHaveExtract(results: BootResults, recipe: string, region: OutputRegion) {
  if (!results.finished) {
    throw new EvidenceError(
      'ExtractFailed',
      `the machine's boot script did not finish: ${results.absent ?? 'it left no results'}`,
    );
  }
  const answer = lastAnswer(results.answers, recipe);
  if (answer?.step !== 'extract' || !answer.ok) {
    const why = answer
      ? guestText(String(answer.facts.reason ?? answer.facts.error ?? 'no reason given'))
      : 'it is not in this machine';
    const what = { detect: 'was not found', recovered: 'did not recover' }[String(answer?.step)] ?? 'gave nothing';
    throw new EvidenceError('ExtractFailed', `${recipe} ${what}: ${why}`);
  }
  const text = new TextDecoder().decode(results.files.get('extract/record')?.subarray(0, 256));
  const recorded = RecordText.safeParse(text);
  if (recorded.success && recorded.data.bytes <= region.giB * GIB) return { answer, recorded: recorded.data };
  throw new EvidenceError(
    'ExtractFailed',
    `the machine's record of what it wrote cannot be used: "${guestText(text, 80)}"`,
  );
}

/** The step that it came to. */
function lastAnswer(answers: readonly RecipeAnswer[], recipe: string): RecipeAnswer | undefined {
  const own = answers.filter((answer) => answer.recipe === recipe);
  return ['extract', 'recovered', 'detect'].map((step) => own.find((answer) => answer.step === step)).find(Boolean);
}
