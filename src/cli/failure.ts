import type { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { ERROR_STATUS, UnderstudyError } from '../errors.ts';
import { REMEDIES } from './remedies.ts';
import { terminalText, wholeText } from './terminal-text.ts';

/** Why a command did not do what it was asked, in the four parts that are shown. */
export interface Failure {
  /** Of the registry (errors.ts), or `TemporalRefused`, `TemporalUnreachable`, `Unexpected`. */
  readonly code: string;
  /** What was tried and found, whole, without what steers a terminal. */
  readonly message: string;
  readonly remedy: string;
  /** Ids that help to find the cause. */
  readonly context: Readonly<Record<string, string | number>>;
}

// A longer chain is a loop or somebody's joke.
const CHAIN_LIMIT = 20;

/** Reads an error of ours, or a failed workflow's chain of causes: the outermost one with a code of the registry counts. */
export function readFailure(error: unknown): Failure {
  const chain = [...causes(error)];
  for (const link of chain) {
    if (link instanceof UnderstudyError) return failure(link.code, link.message, link.context);
    if (isApplicationFailure(link) && isKnown(link.type)) {
      return failure(link.type, link.message, contextOf(link));
    }
  }
  for (const link of chain) {
    if (isNamed(link, 'CancelledFailure')) return failure('Cancelled', 'the run was cancelled');
    if (isNamed(link, 'TerminatedFailure')) return failure('Terminated', 'the run was terminated by force');
    if (isRefused(link)) return failure('TemporalRefused', refusedText(link));
    if (isUnreachable(link)) return failure('TemporalUnreachable', unreachableText(link));
  }
  const last = chain.at(-1);
  return failure('Unexpected', last instanceof Error ? last.message || last.name : String(last ?? error));
}

function failure(code: string, message: string, context: Failure['context'] = {}): Failure {
  const remedy = REMEDIES[code] ?? `docs/errors.md explains ${code}`;
  return { code, message: wholeText(message), remedy, context };
}

function* causes(error: unknown): Generator<unknown> {
  let link = error;
  for (let depth = 0; link !== undefined && link !== null && depth < CHAIN_LIMIT; depth++) {
    yield link;
    link = link instanceof Error ? link.cause : undefined;
  }
}

/** By name, as Temporal itself does it (symbols, not classes): loading its classes would cost every command 60 ms. */
function isNamed(link: unknown, name: TemporalFailure['name']): link is TemporalFailure {
  return link instanceof Error && link.name === name;
}

function isApplicationFailure(link: unknown): link is ApplicationFailure {
  return isNamed(link, 'ApplicationFailure');
}

function isKnown(type: string | null | undefined): type is string {
  return typeof type === 'string' && Object.hasOwn(ERROR_STATUS, type);
}

function contextOf({ details }: ApplicationFailure): Failure['context'] {
  const [first] = details ?? [];
  if (typeof first !== 'object' || first === null) return {};
  const entries = Object.entries(first).filter(
    (entry): entry is [string, string | number] => typeof entry[1] === 'string' || typeof entry[1] === 'number',
  );
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? terminalText(value) : value]),
  );
}

// gRPC status 16 (UNAUTHENTICATED), 7 (PERMISSION_DENIED), and 5 (NOT_FOUND) of a namespace. A worker's native connection has
// no status, but the text of one.
const REFUSED = /\bcode: (?:NotFound|PermissionDenied|Unauthenticated)\b/;

function isRefused(link: unknown): link is Error {
  if (!(link instanceof Error)) return false;
  if (link.name === 'TransportError') return REFUSED.test(link.message);
  if (!('code' in link)) return link.name === 'NamespaceNotFoundError';
  return link.code === 16 || link.code === 7 || (link.code === 5 && /\bnamespace\b/i.test(link.message));
}

/** Without the native library's dump of its own fields. */
function refusedText({ message }: Error): string {
  return `the Temporal server refused: ${message.replace(/Status \{.*?message: "([^"]*)".*$/s, '$1')}`;
}

// gRPC status 14 (UNAVAILABLE) and 4 (DEADLINE_EXCEEDED); the client's own wait for a first connection has no status.
function isUnreachable(link: unknown): boolean {
  if (!(link instanceof Error)) return false;
  if ('code' in link && (link.code === 14 || link.code === 4)) return true;
  return link.name === 'TransportError' || /^Failed to connect before the deadline/.test(link.message);
}

function unreachableText(link: unknown): string {
  return `the Temporal server does not answer: ${link instanceof Error ? link.message : String(link)}`;
}
