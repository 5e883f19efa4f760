/** Numbers and times as a person reads them on the page. */

import { type Html, html } from '../shared/page/html.ts';
import { count } from '../shared/text/counted.ts';

/** 7.84 → `7.8`, 784 → `784`, 7840 → `7,840`. */
export function rate(value: number): string {
  return value < 100 ? value.toFixed(1) : count(value);
}

/** A share of a whole, rounded down, so that 100 % is said only of all of it. */
export function wholePercent(part: number, whole: number): string {
  return `${whole === 0 ? 0 : Math.floor((100 * part) / whole)}\u202F%`;
}

/** 0.256 → `26 %`. */
export function percent(share: number): string {
  return `${Math.round(100 * share)}\u202F%`;
}

/** 4.2 → `4.2 s`; from ten seconds on like `wholeDuration`. */
export function duration(seconds: number): string {
  return seconds < 9.95 ? `${seconds.toFixed(1)}\u00A0s` : wholeDuration(seconds);
}

/** 3725 → `1 h 02 min`; 65 → `1 min 05 s`; 4.2 → `4 s`. */
export function wholeDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole >= 86_400)
    return `${Math.floor(whole / 86_400)}\u00A0d ${two(Math.floor((whole % 86_400) / 3600))}\u00A0h`;
  if (whole >= 3600)
    return `${Math.floor(whole / 3600)}\u00A0h ${two(Math.floor((whole % 3600) / 60))}\u00A0min`;
  return whole >= 60 ? `${Math.floor(whole / 60)}\u00A0min ${two(whole % 60)}\u00A0s` : `${whole}\u00A0s`;
}

/** +15°, −30°, 0°. */
export function degrees(value: number): string {
  const whole = Math.round(value);
  return `${whole > 0 ? '+' : whole < 0 ? '\u2212' : ''}${Math.abs(whole)}°`;
}

/**
 * A moment, by the server's clock and zone: 04:12. The page's script puts it into the reader's, with the day if need
 * be.
 */
export function moment(ms: number): Html {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  return html`<time datetime="${at.toISOString()}" title="${at.toISOString()}">${two(at.getHours())}:${two(at.getMinutes())}</time>`;
}

/** The day of an ISO 8601 moment, UTC: 2026-11-24. */
export function date(iso: string): Html {
  return html`<time datetime="${iso}" title="${iso}">${iso.slice(0, 10)}</time>`;
}

/** How long ago; the page's script counts on. */
export function ago(ms: number, now: number): Html {
  return html`<span class="ago" data-since="${ms}">${wholeDuration(Math.max(0, (now - ms) / 1000))}</span>`;
}
