/** What `posecast bench` says where no photograph has a face to measure. */
import { ConfigError } from '../../shared/errors.ts';

/** Without a face most stages have nothing to do: what they take cannot be said. `first`: why one has none. */
export function nothingUsable(first: string | undefined): ConfigError {
  return new ConfigError(
    'nothing-usable',
    'bench: expected usable faces in the photographs that are measured, found none',
    { first },
  );
}
