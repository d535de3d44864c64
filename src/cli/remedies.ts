import type { ErrorCode } from '../errors.ts';

type Code = ErrorCode | 'TemporalRefused' | 'TemporalUnreachable' | 'Unexpected';

/** The first thing to try, in one line; docs/errors.md says more. Codes whose messages already say it all are left out. */
export const REMEDIES: Readonly<Record<string, string>> = {
  InvalidInput: 'correct the named field; `--help` lists what is allowed',
  InvalidConfiguration:
    'correct what the message names: the argument, the variable, or the field of temporal.config.ts',
  UnknownName: 'use a name that temporal.config.ts defines, or restart the workers after changing it',
  BackupAlreadyRunning: 'wait for the running backup (`understudy status`), or cancel it in the Temporal UI',
  PreflightRefused: 'mend what the list names, or accept it by name with --accept where that is offered',
  AccessDenied: 'give the role the named permission (docs/aws.md)',
  InstanceNotFound: 'check the id, the region and the credentials',
  IsolationBroken: 'mend the isolated network before the next run; the clone has been removed',
  InsufficientCapacity: 'try again later, or add types to fallbackInstanceTypes of the isolation profile',
  LaunchRefused: 'add types to fallbackInstanceTypes of the isolation profile, or ask for a higher quota',
  ConsistencyTooLow: 'see what is missing above; --at-least crash-consistent commits such a point',
  ExtractFailed: 'check the names as the database spells them',
  AgentFailed: 'read the sealed log that is named (docs/errors.md says how), and mend what it tells of',
  DrillFailed: 'look at the red points, then take a new backup of their instances',
  VerificationFailed:
    'the point stays and is marked; what each reason means is in docs/errors.md, then take a new backup',
  VaultNotInitialized: 'check the URL; make a new vault with `understudy init` or `understudy vault init <url>`',
  VaultUnreachable: 'check the URL of the vault, the network and the bucket',
  KeyUnusable: 'check that this is the key of the vault, and who may use it',
  KeysNotSigned: 'find out who wrote the named object; docs/operations/keys.md says when to remove it',
  PointMissing: '`understudy points` lists what the vault holds',
  Cancelled: 'start it again when you want it',
  Terminated: 'what it left is removed by the sweeper within its interval',
  TemporalRefused:
    'check TEMPORAL_NAMESPACE and what proves who you are: TEMPORAL_API_KEY, TEMPORAL_TLS_… or the profile of temporal.toml',
  TemporalUnreachable:
    'start the server, or set TEMPORAL_ADDRESS (for the local cloud: `npm run --silent local -- env`)',
  Unexpected: 'this is a bug of understudy or of something below it; please report it with this output',
} satisfies Partial<Record<Code, string>>;
