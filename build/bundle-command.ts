import { join, relative } from 'node:path';
import { rolldown } from 'rolldown';

/** Beside the folders of the modules, so that the way from a chunk to a module's own place is one step up. */
export const COMMAND_FOLDER = 'command';

/**
 * The command line once more, in a few files: 420 modules, found and read one by one, are half of what a short command
 * takes. The modules stay: the package exports some, and threads, scripts and the workflows' bundle are found beside them.
 */
export async function bundleCommand(dist: string): Promise<number> {
  const bundle = await rolldown({
    cwd: dist,
    input: { main: join(dist, 'cli', 'main.js') },
    platform: 'node',
    // Temporal has native code and must be there once. So must our errors: recipes and the configuration bring theirs.
    external: [/^@temporalio\//, join(dist, 'errors.js')],
    plugins: [
      {
        name: 'own places',
        transform: { filter: { id: /\/dist\// }, handler: (code, id) => atOwnPlace(code, relative(dist, id)) },
      },
    ],
  });
  const { output } = await bundle.write({
    dir: join(dist, COMMAND_FOLDER),
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
  });
  await bundle.close();
  return output.length;
}

/** Modules find files beside themselves, and do so from within the bundle. */
function atOwnPlace(code: string, module: string): string {
  return code.replaceAll('import.meta.url', `new URL('../${module}', import.meta.url).href`);
}
