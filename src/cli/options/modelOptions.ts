/** The options that name a detector, a recogniser and a FRA model, of commands that take one of each. */
import { Option } from 'commander';
import { DEFAULT_DETECTOR, DEFAULT_RECOGNIZER } from '../../shared/config.ts';
import { someText } from './optionValues.ts';

export function detectorOption(): Option {
  return new Option('--detector <name>', 'detector of the registry').default(DEFAULT_DETECTOR);
}

export function recognizerOption(): Option {
  return new Option('--recognizer <name>', 'recogniser of the registry').default(DEFAULT_RECOGNIZER);
}

export function fraOption(): Option {
  return new Option(
    '--fra <name>',
    'FRA model: a shipped name or a folder (default: the one of the recogniser)',
  ).argParser(someText);
}
