/** Which options of `posecast evaluate` a published protocol has. */
import type { Command } from 'commander';
import { isS3Uri } from '../../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { ProtocolFlags } from '../evaluateProtocol.ts';
import { optionOfFlag } from '../output/commandLine.ts';

/** A protocol knows its set: a folder, laid out as it is published; who is compared with whom is its own affair. */
const PROTOCOL_OPTIONS = {
  ...{ protocol: 0, pairsFile: 0, kdefSamples: 0, out: 0, fra: 0, recognizer: 0, variants: 0, seed: 0 },
  ...{ detector: 0, threads: 0, allowLeakage: 0, subjectPrefix: 0, json: 0 },
} satisfies Record<keyof ProtocolFlags | 'json', 0>;

const OF_PROTOCOLS_ALONE: readonly string[] = ['pairsFile', 'kdefSamples'] satisfies (keyof ProtocolFlags)[];

/**
 * An option that is not looked at would leave its asker in the belief that it was, with --shuffle-labels that a control
 * was passed.
 * @throws ConfigError for a corpus or an option that a protocol does not have, or that only a protocol has.
 */
export function refuseUnusedOptions(
  command: Command,
  corpus: string,
  protocol: ProtocolFlags['protocol'] | undefined,
): void {
  const given = command.options
    .map((option) => option.attributeName())
    .filter((name) => command.getOptionValueSource(name) === 'cli');
  if (protocol === undefined) {
    const foreign = given.find((name) => OF_PROTOCOLS_ALONE.includes(name));
    if (foreign === undefined) return;
    throw new ConfigError('bad-option', `${optionOfFlag(foreign)}: expected with --protocol only`);
  }
  const unused = given.find(
    (name) => !(name in PROTOCOL_OPTIONS) || (name === 'kdefSamples' && protocol !== 'kdef-published'),
  );
  if (unused === undefined && !isS3Uri(corpus)) return;
  throw new ConfigError('bad-option', '--protocol: expected a local folder, and options that it uses', {
    protocol,
    corpus,
    option: unused && optionOfFlag(unused),
  });
}
