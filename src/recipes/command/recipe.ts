import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ConfigurationError } from '../../errors.ts';
import type { Recipe } from '../recipe.ts';

/** Static scripts, relative to the configuration file; each answers as docs/recipes.md says. */
const Scripts = z.strictObject({
  detect: z.string().min(1).optional(),
  recovered: z.string().min(1).optional(),
  probe: z.string().min(1).optional(),
  stop: z.string().min(1).optional(),
  agent: z.string().min(1).optional(),
  check: z.string().min(1).optional(),
  load: z.string().min(1).optional(),
  extract: z.string().min(1).optional(),
  /** What the others source or run. */
  library: z.array(z.string().min(1)).default([]),
});

/** What the configuration says of one: `{ use: 'command', scripts: { agent: './x.sh' }, params: { … } }`. */
const Entry = z.strictObject({
  use: z.literal('command'),
  scripts: Scripts,
  params: z.record(z.string(), z.json()).default({}),
});

/** `params.json` of the scripts; numbers and texts also as files of their own, which a shell reads more easily. */
const Params = z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,39}$/), z.json());

/**
 * A recipe made of a person's own scripts. Detected, recovered and probed count as "yes" where no script says otherwise.
 * InvalidConfiguration names the field that is wrong.
 */
export function createCommandRecipe(name: string, entry: unknown, base: URL): Recipe {
  const parsed = Entry.safeParse(entry);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigurationError(
      'InvalidConfiguration',
      `recipes.${[name, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'is not valid'}. Correct it in temporal.config.ts.`,
    );
  }
  const yes = new URL('./yes.sh', import.meta.url);
  const { library, ...steps } = parsed.data.scripts;
  // A path and no URL: "#", "%" and "?" are letters of a file's name.
  const folder = dirname(fileURLToPath(base));
  const urlOf = (path: string) => pathToFileURL(resolve(folder, path));
  const own = Object.entries(steps).flatMap(([step, path]) => (path === undefined ? [] : [[step, urlOf(path)]]));
  return {
    name,
    params: Params,
    scripts: { detect: yes, recovered: yes, probe: yes, ...Object.fromEntries(own) },
    library: library.map(urlOf),
  };
}
