import type { z } from 'zod';
import type { Fact } from '../contract/evidence.ts';
import type { FileReader } from '../disk/file-reader.ts';

/**
 * What is known about one application. Scripts are static files beside the recipe; their parameters come as files,
 * never by interpolation. Each script's last line of output is one JSON object {"ok":…,"facts":{…}} of at most 8 KiB.
 */
export interface Recipe<P = unknown> {
  readonly name: string;
  readonly params: z.ZodType<P>;
  readonly scripts: {
    /** ok: this machine has the application. */
    readonly detect: URL;
    /** ok: it answers; called again until it does or the limit is over. */
    readonly recovered: URL;
    /** Questions with answers in `facts`; run in verification machines. */
    readonly probe: URL;
    /** Ends the application in order before power-off, where the machine's own shutdown would not. */
    readonly stop?: URL;
    /**
     * The application's own backup agent, run in the clone when the application has recovered. Writes into
     * `$UNDERSTUDY_OUTPUT`, an empty folder of its own that belongs to root, and nowhere else.
     */
    readonly agent?: URL;
    /** The recipe's own check of what the agent wrote, in the clone. Without it the agent's word is taken. */
    readonly check?: URL;
    /**
     * Runs in a verification machine when the output was found to be what the agent wrote: `$UNDERSTUDY_OUTPUT`, read-only.
     * Loads it into a fresh instance under `$UNDERSTUDY_TMP` and compares that with the facts of agent and check, which
     * stand in `$UNDERSTUDY_AGENT_FACTS`, a file per fact.
     */
    readonly load?: URL;
    /**
     * Takes one thing out of the recovered application: a file per field of the request in `$UNDERSTUDY_REQUEST`, the thing
     * to descriptor 3. Its facts may hold `rows` (a count) and must hold `format`. Names are quoted by the application's own
     * means, never put together as text.
     */
    readonly extract?: URL;
  };
  /** What the scripts source or run: files that stand beside them in the machine, under their own names. */
  readonly library?: readonly URL[];
  /** What its files on disk say about how it ended; absent when nothing on disk tells. */
  cleanFact?(disk: FileReader, params: P, signal: AbortSignal): Promise<Fact>;
  /** What the application held by the records that its agent wrote into its folder; for searches. */
  readonly objects?: ReadObjects;
}

export type ReadObjects = (output: FileReader, signal: AbortSignal) => Promise<readonly RecordedObject[]>;

export interface RecordedObject {
  readonly kind: 'database' | 'table';
  /** As the application calls it. Bytes that are no text, or would steer a terminal, are written as `\xNN`. */
  readonly name: string;
  readonly rows: number | null;
}
