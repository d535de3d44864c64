export { defineConfig } from './define-config.ts';
export { deploymentFile, ensureDeploymentId, readDeploymentId } from './deployment-id.ts';
export { type ConfigSource, type LoadedConfig, loadConfig } from './load-config.ts';
export type { Config, ConfigInput } from './schema.ts';
