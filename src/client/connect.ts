import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

export interface ConnectOptions {
  /** A profile of `temporal.toml`; default: what TEMPORAL_PROFILE names, else `default`. */
  readonly profile?: string | undefined;
}

/** Address, namespace, keys and certificates as every Temporal tool takes them: TEMPORAL_… variables or `temporal.toml`. */
export function readTemporalSettings({ profile }: ConnectOptions = {}) {
  const { connectionOptions, namespace } = loadClientConnectConfig(profile === undefined ? {} : { profile });
  return { connectionOptions, namespace: namespace ?? 'default' };
}

/** A client of the Temporal server that the environment names. Close its `connection` when done. */
export async function connectTemporal(options: ConnectOptions = {}): Promise<Client> {
  const { connectionOptions, namespace } = readTemporalSettings(options);
  return new Client({ connection: await Connection.connect(connectionOptions), namespace });
}
