import { z } from 'zod';
import { ConfiguredName, RunId, VolumeId } from './names.ts';

/** `volumes`: new volumes in one zone. `instance`: a machine made of them. Raw images need no cloud: `understudy recover`. */
export const RestoreTarget = z.enum(['volumes', 'instance']);
export type RestoreTarget = z.output<typeof RestoreTarget>;

/**
 * What a person types, or a service sends, to get a whole machine back. `{"pointId": "…"}` is enough: a machine in the
 * isolated network, which reaches nothing. Nothing that exists is ever written to.
 */
export const RestoreRequest = z.strictObject({
  pointId: RunId,
  to: RestoreTarget.default('instance'),
  vault: ConfiguredName.optional(),
  /** An isolation profile; where the machine goes unless `into` names another network. */
  isolation: ConfiguredName.optional(),
  /** A profile of `restores` in the configuration, made for another network, zone or key than the isolated ones. */
  into: ConfiguredName.optional(),
  /** Only these volumes of the point; default: all. A machine needs all of them. */
  volumeIds: z.array(VolumeId).min(1).optional(),
});
export type RestoreRequest = z.input<typeof RestoreRequest>;

/** As databases take them: PostgreSQL cuts names at 63 bytes. No control characters: they belong in no name. */
const Identifier = z
  .string()
  .min(1)
  .regex(/^\P{Cc}{1,63}$/u, 'must be 1 to 63 characters, none of them a control character');

/** One table of one database, as a file for people. */
export const TableRequest = z.strictObject({
  pointId: RunId,
  database: Identifier,
  /** Default: as the server finds the table by its search path. */
  schema: Identifier.optional(),
  table: Identifier,
  /** Default: the only configured recipe that can take something out. */
  recipe: ConfiguredName.optional(),
  vault: ConfiguredName.optional(),
  isolation: ConfiguredName.optional(),
});
export type TableRequest = z.input<typeof TableRequest>;

/** Files of a recovery point, written by a mover into a folder that its configuration names. */
export const FilesRequest = z.strictObject({
  pointId: RunId,
  /** As `understudy files ls` shows it. */
  path: z.string().regex(/^\//, 'must be absolute, such as /srv/data').max(16_384),
  /** A folder of `folders` in the configuration; the files land in a new one below it, named by the run. */
  into: ConfiguredName,
  vault: ConfiguredName.optional(),
  /** Only these volumes, the first of them as the root; default: all. */
  volumeIds: z.array(VolumeId).min(1).optional(),
});
export type FilesRequest = z.input<typeof FilesRequest>;
