/**
 * Loaded into a posecast process by NODE_OPTIONS=--import: every signal that is composed of others is a line. Those of
 * which it is composed remember it for as long as they live. The product knows nothing of it.
 */
const any = AbortSignal.any.bind(AbortSignal);
AbortSignal.any = (signals) => {
  process.stderr.write('a signal is composed\n');
  return any(signals);
};
