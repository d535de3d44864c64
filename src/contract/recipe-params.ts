/** Of an entry of `recipes`: what goes into histories and to the machine. Never the scripts, which are the worker's. */
export function recipeParams({ use, ...entry }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (use !== 'command') return entry;
  const { params = {} } = entry;
  return typeof params === 'object' && params !== null ? { ...params } : {};
}
