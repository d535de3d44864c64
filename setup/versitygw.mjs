// @ts-check
import { requireGo, runGo } from './go.mjs';
import { findProgram } from './program.mjs';

const VERSION = '1.8.0';
const RELEASES = 'https://github.com/versity/versitygw/releases/download';
const FOLDER = `versitygw_v${VERSION}_Linux_x86_64`;

/**
 * The S3 server for one machine.
 * @param {import('./program.mjs').ProgramContext} context
 */
export function findVersitygw(context) {
  const { env, signal } = context;
  return findProgram(
    {
      command: 'versitygw',
      variable: 'VERSITYGW_PATH',
      // The first that was tried with everything the vault asks for; older ones may pass but nobody looked.
      minVersion: VERSION,
      parseVersion: (text) => /Version\s*:\s*v?(\d+\.\d+\.\d+)/i.exec(text)?.[1],
      key: `versitygw-${VERSION}`,
      archive: {
        url: `${RELEASES}/v${VERSION}/${FOLDER}.tar.gz`,
        checksumsUrl: `${RELEASES}/v${VERSION}/checksums.txt`,
        member: `${FOLDER}/versitygw`,
      },
      builds: [
        {
          title: 'built from source',
          lasts: 'about 1 min on 2 cores',
          run: async (folder) => {
            const go = await requireGo({ env, wayOut: 'set VERSITYGW_PATH to a versitygw program' });
            const flags = `-s -w -X main.Version=v${VERSION}`;
            const name = `github.com/versity/versitygw/cmd/versitygw@v${VERSION}`;
            await runGo(go, ['install', '-trimpath', '-ldflags', flags, name], {
              env: { ...env, GOBIN: folder },
              signal,
            });
          },
        },
      ],
    },
    context,
  );
}
