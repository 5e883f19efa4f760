/** Whether run.json says the same of its models in each place where it names them. */
import { RUN_KEY } from '../shared/run/runKeys.ts';
import type { Verification } from './verification.ts';

/** `recognizer` and `fra` are what tables and manifest are compared with; here they are held to the rest of the file. */
export function checkRunFile({ run, problems }: Verification): void {
  const { config, models, recognizer, fra } = run;
  const compare = (field: string, expected: string, found: string | undefined) => {
    if (found === expected) return;
    problems.add('run-file', RUN_KEY, `${field}: expected ${expected}, found ${found ?? 'nothing'}`);
  };
  const digestOf = (name: string) => (Object.hasOwn(models, name) ? models[name] : undefined);
  compare('config.recognizer', recognizer.name, config.recognizer);
  compare(`models.${recognizer.name}`, recognizer.digest, digestOf(recognizer.name));
  if (fra !== null) compare('config.fra', fra.name, config.fra);
  if (digestOf(config.detector) === undefined) {
    problems.add('run-file', RUN_KEY, `config.detector: expected one of models, found ${config.detector}`);
  }
}
