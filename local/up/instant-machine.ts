import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { z } from 'zod';
import { withLabEnv } from './lab-env.ts';
import { type LabEnv, understudy } from './product.ts';

// A database replays its log before it answers questions; under software emulation on a busy host that takes a while.
const ANSWER_LIMIT_MS = 180_000;
const POSTGRESQL_PORT = 5432;

const Up = z.object({ type: z.literal('progress'), hostPort: z.number() });
const End = z.object({
  type: z.literal('result'),
  ok: z.literal(true),
  end: z.string(),
  requests: z.number(),
  bytesFetched: z.number(),
});

export interface InstantMachine {
  /** From the command to the answer. */
  readonly answeredMs: number;
  /** What the bank said. */
  readonly answer: string;
  /** Ctrl-C; resolves with how the machine ended and what was fetched for it in all. */
  end(): Promise<{ readonly end: string; readonly requests: number; readonly bytesFetched: number }>;
}

export interface InstantRequest {
  readonly env: LabEnv;
  readonly pointId: string;
  /** One row, one column `answer`, asked of the bank. */
  readonly question: string;
}

/** Boots the machine of a recovery point by `understudy run`, as a person would, and asks its PostgreSQL. */
export async function startInstantMachine({ env, pointId, question }: InstantRequest): Promise<InstantMachine> {
  const startedAt = performance.now();
  const { command, args } = understudy(['run', pointId, '--forward', String(POSTGRESQL_PORT), '--json']);
  const child = spawn(command, args, { env: withLabEnv(process.env, env), stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const talk = { lines, said: text(child.stderr) };
  try {
    const { hostPort } = await nextLine(talk, Up);
    const answer = await ask(hostPort, question);
    const answeredMs = performance.now() - startedAt;
    return { answeredMs, answer, end: () => endIt(child, talk, ended) };
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    throw error;
  }
}

interface Talk {
  readonly lines: AsyncIterator<string>;
  /** What it says to people, whole when it has ended. */
  readonly said: Promise<string>;
}

/** A line of another kind is the command's own failure, which it tells in there; one that dies says so to people. */
async function nextLine<T>({ lines, said }: Talk, kind: z.ZodType<T>): Promise<T> {
  const { value } = await lines.next();
  const line = kind.safeParse(JSON.parse(value ?? 'null'));
  if (line.success) return line.data;
  throw new Error(`understudy run did not go as it should: ${value ?? (await said)}`);
}

async function endIt(child: ChildProcess, talk: Talk, ended: Promise<unknown>) {
  child.kill('SIGINT');
  const result = await nextLine(talk, End);
  await ended;
  return result;
}

/** The port answers before the database does: it says that it is starting up. */
async function ask(port: number, question: string): Promise<string> {
  const deadline = performance.now() + ANSWER_LIMIT_MS;
  for (;;) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'app', database: 'bank' });
    client.on('error', () => {}); // the query rejects as well
    try {
      await client.connect();
      const { rows } = await client.query<{ answer: unknown }>(question);
      return String(rows[0]?.answer);
    } catch (error) {
      if (performance.now() > deadline) throw error;
    } finally {
      await client.end().catch(() => {});
    }
    await pause(50);
  }
}
