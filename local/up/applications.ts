import { connect } from 'node:net';
import pg from 'pg';
import { waitUntil } from './wait-until.ts';

/** A boot takes 4 to 9 s under software emulation on a quiet machine; this one may be very busy. */
const ANSWER_LIMIT_MS = 180_000;
const ONE_TRY_MS = 5_000;

export interface ApplicationPorts {
  readonly postgresql: number;
  readonly redis: number;
}

export const BANK = { user: 'app', database: 'bank' } as const;

/** Resolves when both applications answer through the ports that the cloud opened. */
export async function waitForApplications({ postgresql, redis }: ApplicationPorts): Promise<void> {
  await waitUntil(() => askPostgresql(postgresql), {
    what: `PostgreSQL answers on 127.0.0.1:${postgresql}`,
    limitMs: ANSWER_LIMIT_MS,
  });
  await waitUntil(() => askRedis(redis), { what: `Redis answers on 127.0.0.1:${redis}`, limitMs: ANSWER_LIMIT_MS });
}

async function askPostgresql(port: number): Promise<true> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    ...BANK,
    connectionTimeoutMillis: ONE_TRY_MS,
    query_timeout: ONE_TRY_MS,
  });
  client.on('error', () => {}); // a connection that breaks is one more "not yet"
  try {
    await client.connect();
    await client.query('select 1 from accounts limit 1');
    return true;
  } finally {
    await client.end().catch(() => {}); // it may never have begun
  }
}

function askRedis(port: number): Promise<true | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(ONE_TRY_MS, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('close', () => resolve(undefined));
    socket.once('data', (answer) => {
      resolve(answer.toString('latin1').startsWith('+PONG') ? true : undefined);
      socket.destroy();
    });
  });
}
