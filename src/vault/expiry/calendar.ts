export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof PERIODS)[number];

/** In which hour, day, week, month and year an ISO 8601 instant lies; equal names are the same period. */
export type Calendar = (at: string) => Readonly<Record<Period, string>>;
export type Calendars = (timezone: string) => Calendar;

const DAY_MS = 86_400_000;

/** Calendars that remember what they were asked: a simulation asks for the same point a thousand times. */
export function calendarsOf(): Calendars {
  const known = new Map<string, Calendar>();
  return (timezone) => {
    const calendar = known.get(timezone) ?? remembering(calendarOf(timezone));
    known.set(timezone, calendar);
    return calendar;
  };
}

function remembering(calendar: Calendar): Calendar {
  const answers = new Map<string, ReturnType<Calendar>>();
  return (at) => {
    const answer = answers.get(at) ?? calendar(at);
    answers.set(at, answer);
    return answer;
  };
}

/**
 * A time zone's calendar. Days are the people's: 23 or 25 hours long where clocks change. The hour carries its offset, so
 * the two hours from 2 to 3 of an autumn night are two. Weeks are those of ISO 8601, from Monday on.
 */
function calendarOf(timezone: string): Calendar {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    calendar: 'iso8601',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    timeZoneName: 'longOffset',
  });
  return (at) => {
    const parts = new Map(format.formatToParts(new Date(at)).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes) => String(parts.get(type));
    const [year, month, day] = [part('year'), part('month'), part('day')];
    return {
      hourly: `${year}-${month}-${day} ${part('hour')}h ${part('timeZoneName')}`,
      daily: `${year}-${month}-${day}`,
      weekly: isoWeek(Date.UTC(Number(year), Number(month) - 1, Number(day))),
      monthly: `${year}-${month}`,
      yearly: year,
    };
  };
}

/** A week belongs to the year of its Thursday. */
function isoWeek(midnight: number): string {
  const weekday = (new Date(midnight).getUTCDay() + 6) % 7;
  const thursday = new Date(midnight + (3 - weekday) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}
