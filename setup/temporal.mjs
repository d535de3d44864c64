// @ts-check
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireGo, runGo } from './go.mjs';
import { findProgram } from './program.mjs';

/** The CLI's version; the server inside it is 1.31.2. */
const CLI = '1.8.2';
/** The last tag that `go install` accepts (no `replace` in its go.mod): server 1.29.1, the oldest that we support. */
const FALLBACK_CLI = '1.5.1';
const MIN_SERVER = '1.29.1';

const RELEASES = 'https://github.com/temporalio/cli/releases/download';
const PACKAGE = 'github.com/temporalio/cli/cmd/temporal';
const VERSION_SYMBOL = 'github.com/temporalio/cli/internal/temporalcli.Version';

/**
 * The Temporal development server. Its version is the server's, which decides what it can do.
 * @param {import('./program.mjs').ProgramContext & { root: string }} context
 */
export async function findTemporal(context) {
  const { root, env, signal } = context;
  const module = join(root, 'setup', 'temporal');
  const pinned = await Promise.all(['go.mod', 'go.sum'].map((name) => readFile(join(module, name))));
  const digest = createHash('sha256').update(Buffer.concat(pinned)).digest('hex').slice(0, 12);
  const go = () => requireGo({ env, wayOut: 'set TEMPORAL_CLI_PATH to a temporal program' });
  return findProgram(
    {
      command: 'temporal',
      variable: 'TEMPORAL_CLI_PATH',
      minVersion: MIN_SERVER,
      parseVersion: (text) => /\(Server (\d+\.\d+\.\d+)/.exec(text)?.[1],
      key: `temporal-${CLI}-${digest}`,
      archive: {
        url: `${RELEASES}/v${CLI}/temporal_cli_${CLI}_linux_amd64.tar.gz`,
        checksumsUrl: `${RELEASES}/v${CLI}/checksums.txt`,
        member: 'temporal',
      },
      builds: [
        {
          title: `CLI ${CLI} built from source`,
          lasts: 'about 4 min on 2 cores',
          run: async (folder) => {
            const flags = `-s -w -X ${VERSION_SYMBOL}=${CLI}`;
            const args = ['build', '-trimpath', '-ldflags', flags, '-o', join(folder, 'temporal'), PACKAGE];
            await runGo(await go(), args, { cwd: module, env, signal });
          },
        },
        {
          title: `CLI ${FALLBACK_CLI} built from source`,
          lasts: 'about 3 min on 2 cores',
          run: async (folder) => {
            const args = ['install', '-trimpath', '-ldflags', '-s -w', `${PACKAGE}@v${FALLBACK_CLI}`];
            await runGo(await go(), args, { env: { ...env, GOBIN: folder }, signal });
          },
        },
      ],
    },
    context,
  );
}
