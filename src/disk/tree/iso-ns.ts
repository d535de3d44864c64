/** Nanoseconds since 1970 as ISO 8601 with all nine digits, which sort as text. */
export function isoNs(ns: bigint): string {
  const part = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const whole = new Date(Number((ns - part) / 1_000_000n)).toISOString().slice(0, 19);
  return `${whole}.${String(part).padStart(9, '0')}Z`;
}
