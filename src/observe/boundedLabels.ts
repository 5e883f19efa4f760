/**
 * Keeps label values from becoming as many as the things they are read from: every new combination is a time series
 * that Prometheus keeps for weeks. Codes are fixed words, so the limit is only met when something is wrong.
 */
const OTHER = 'other';

/** The value itself, as long as no more than `most` different ones were seen; then 'other'. */
export function boundedLabel(most: number): (value: string) => string {
  const seen = new Set<string>();
  return (value) => {
    if (seen.has(value)) return value;
    if (seen.size >= most) return OTHER;
    seen.add(value);
    return value;
  };
}
