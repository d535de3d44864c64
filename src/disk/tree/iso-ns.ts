/** Of the years 0 and 9999: other years have a sign and six digits, which sort elsewhere, and Date ends at 275760. */
const FIRST_NS = -62_167_219_200_000_000_000n;
const LAST_NS = 253_402_300_799_999_999_999n;

/**
 * Nanoseconds since 1970 as ISO 8601 with all nine digits, which sort as text. What lies outside of these years, as btrfs keeps
 * whatever touch(1) or a damaged disk says, is told as the nearest.
 */
export function isoNs(ns: bigint): string {
  const told = ns < FIRST_NS ? FIRST_NS : ns > LAST_NS ? LAST_NS : ns;
  const part = ((told % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const whole = new Date(Number((told - part) / 1_000_000n)).toISOString().slice(0, 19);
  return `${whole}.${String(part).padStart(9, '0')}Z`;
}
