import { postgresql } from '../postgresql/recipe.ts';
import type { Recipe } from '../recipe.ts';

/**
 * pgBackRest, as its vendor made it: a full online backup with the write-ahead log it needs. Parameters and on-disk facts
 * are those of PostgreSQL.
 */
export const pgbackrest: Recipe = {
  ...postgresql,
  name: 'pgbackrest',
  scripts: {
    detect: new URL('./detect.sh', import.meta.url),
    recovered: postgresql.scripts.recovered,
    probe: postgresql.scripts.probe,
    ...(postgresql.scripts.extract && { extract: postgresql.scripts.extract }),
    agent: new URL('./agent.sh', import.meta.url),
    check: new URL('./check.sh', import.meta.url),
    load: new URL('./load.sh', import.meta.url),
  },
  library: [
    new URL('./backrest.sh', import.meta.url),
    new URL('./archive.sh', import.meta.url),
    new URL('../postgresql/contents.sh', import.meta.url),
    new URL('../postgresql/rows.sql', import.meta.url),
  ],
};
