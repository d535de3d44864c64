/** 0 where nothing was measured. */
export function median(values: readonly (number | null)[]): number {
  const sorted = values.map((value) => value ?? 0).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
