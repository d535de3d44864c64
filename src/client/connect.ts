import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { ConfigurationError } from '../errors.ts';

export interface ConnectOptions {
  /** A profile of `temporal.toml`; default: what TEMPORAL_PROFILE names, else `default`. */
  readonly profile?: string | undefined;
}

/** Address, namespace, keys and certificates as every Temporal tool takes them: TEMPORAL_… variables or `temporal.toml`. */
export function readTemporalSettings({ profile }: ConnectOptions = {}) {
  const { connectionOptions, namespace } = loadSettings(profile);
  const { address } = connectionOptions;
  if (address?.includes('://')) {
    const message = `Temporal's address is '${address}'; write host:port (TEMPORAL_ADDRESS, or address in temporal.toml)`;
    throw new ConfigurationError('InvalidConfiguration', message);
  }
  return { connectionOptions, namespace: namespace ?? 'default' };
}

/** What Temporal's own reader throws has no code: a profile that is not there, a file that is no TOML or that is missing. */
function loadSettings(profile: string | undefined) {
  try {
    return loadClientConnectConfig(profile === undefined ? {} : { profile });
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    const message = `the settings for Temporal (TEMPORAL_… variables, temporal.toml) cannot be used: ${found}`;
    throw new ConfigurationError('InvalidConfiguration', message, { cause });
  }
}

/** A client of the Temporal server that the environment names. Close its `connection` when done. */
export async function connectTemporal(options: ConnectOptions = {}): Promise<Client> {
  const { connectionOptions, namespace } = readTemporalSettings(options);
  return new Client({ connection: await Connection.connect(connectionOptions), namespace });
}
