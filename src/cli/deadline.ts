/** When a night ends: a time of day or a date and time, as people write them → a moment. */
import { InvalidArgumentError } from 'commander';
import { ConfigError } from '../shared/errors.ts';

const EXPECTED = 'Expected a time of day such as 07:00, or a date and time such as 2026-11-25T07:00.';

/**
 * `07:00` is the next time it is seven on this machine's clock; `2026-11-25T07:00` is local too, unless it ends in `Z`
 * or an offset such as `+01:00`.
 * @throws InvalidArgumentError for anything else. A moment that has passed is refused by `refusePastDeadline`.
 */
export function parseDeadline(text: string, now: Date): Date {
  const time = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  if (time !== null) return nextTimeOfDay(Number(time[1]), Number(time[2]), now);
  const date = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?$/.exec(
    text.trim(),
  );
  if (date === null) throw new InvalidArgumentError(EXPECTED);
  const [, year, month, day, hours, minutes] = date.map(Number);
  const moment = new Date(text.trim().replace(' ', 'T'));
  const isDay = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day)).getUTCDate() === day;
  if (!isDay || (hours ?? 0) > 23 || (minutes ?? 0) > 59 || Number.isNaN(moment.getTime())) {
    throw new InvalidArgumentError(EXPECTED);
  }
  return moment;
}

/**
 * Part of the command, and not of reading its line: `--on-finish` is to hear of it.
 * @throws ConfigError for a moment that has passed.
 */
export function refusePastDeadline(deadline: Date | undefined, now: Date): void {
  if (deadline === undefined || deadline > now) return;
  throw new ConfigError('bad-option', '--deadline: expected a moment to come, found one that has passed', {
    deadline: deadline.toISOString(),
    now: now.toISOString(),
  });
}

function nextTimeOfDay(hours: number, minutes: number, now: Date): Date {
  if (hours > 23 || minutes > 59) throw new InvalidArgumentError(EXPECTED);
  const moment = new Date(now);
  moment.setHours(hours, minutes, 0, 0);
  // By the calendar and not by 24 hours: a night in which clocks change is longer or shorter.
  if (moment <= now) moment.setDate(moment.getDate() + 1);
  return moment;
}

/** 2026-11-25 07:00, by this machine's clock. */
export function formatMoment(moment: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day} ${two(moment.getHours())}:${two(moment.getMinutes())}`;
}
