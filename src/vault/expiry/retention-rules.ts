/**
 * What to keep of each machine's points. Every rule keeps the newest point of that many of its periods, or of the `last`
 * points; a point that any rule keeps stays.
 */
export interface RetentionRules {
  readonly last?: number | undefined;
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  /** Everything that is younger, such as `48h`, `30d` or `8w`. */
  readonly within?: string | undefined;
  /** Whose hours, days, weeks, months and years; an IANA name such as `Europe/Berlin`. */
  readonly timezone: string;
}
