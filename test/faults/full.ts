/** For tests that take long on a busy machine: `npm run test:faults` runs them, `npm run test:long` says that it does not. */
export const ONLY_IN_FULL = {
  skip: process.env.POSECAST_FAULTS === 'full' ? false : 'only in npm run test:faults',
};
