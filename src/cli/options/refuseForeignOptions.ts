/** Which options of `posecast train` a kind of generator has. */
import type { Command } from 'commander';
import { type GeneratorKind, VIT_KINDS } from '../../fra/generators/generatorConfig.ts';
import { ConfigError } from '../../shared/errors.ts';
import { optionOfFlag } from '../output/commandLine.ts';
import type { TrainFlags } from './trainOptions.ts';

const BY_DESCENT: readonly GeneratorKind[] = [...VIT_KINDS, 'residual-mlp'];

/**
 * Options that are not here hold for every kind. So do the steps: they are limits, and none is passed by a generator
 * that takes none.
 */
const KINDS: Partial<Record<keyof TrainFlags, readonly GeneratorKind[]>> = {
  ...{ loss: BY_DESCENT, without: BY_DESCENT, batchSize: BY_DESCENT, learningRate: BY_DESCENT },
  ...{ identityResidual: VIT_KINDS, normalizeOutput: VIT_KINDS },
  parts: ['mixture'],
  yawKnots: ['ridge', 'mean-offset', 'residual-mlp'],
  mlpCondition: ['residual-mlp'],
};

/**
 * An option that is not looked at would leave its asker in the belief that it was, and the card would say so.
 * @throws ConfigError for one that the generator does not have.
 */
export function refuseForeignOptions(command: Command, generator: GeneratorKind): void {
  for (const [name, kinds] of Object.entries(KINDS)) {
    if (command.getOptionValueSource(name) !== 'cli' || kinds.includes(generator)) continue;
    throw new ConfigError(
      'bad-option',
      `${optionOfFlag(name)}: expected --generator ${kinds.join(' or ')}, found ${generator}`,
    );
  }
}
