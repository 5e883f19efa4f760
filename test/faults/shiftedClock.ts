/**
 * Loaded into a posecast process by NODE_OPTIONS=--import: its clock is wrong by POSECAST_FAULTS_CLOCK minutes. The
 * product knows nothing of it.
 */
const shift = Number(process.env.POSECAST_FAULTS_CLOCK ?? 0) * 60_000;
if (shift !== 0) {
  const RealDate = Date;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, self) =>
      Reflect.construct(target, args.length === 0 ? [RealDate.now() + shift] : args, self),
    get: (target, name) => (name === 'now' ? () => RealDate.now() + shift : Reflect.get(target, name)),
  });
}
