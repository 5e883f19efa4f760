import { ConfigError } from '../../shared/errors.ts';
import type { NamedWeights, WeightValues } from '../networks/weights.ts';

/** The values of that name; ConfigError when a network lacks them. */
export function weightValues(weights: NamedWeights, name: string): WeightValues {
  const found = weights.get(name);
  if (found === undefined) throw new ConfigError('missing-weight', 'expected a weight, found none', { name });
  return found;
}
