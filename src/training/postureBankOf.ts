/** Training samples → posture bank: every reachable pose bin gets about as many postures. */
import type { PostureBank } from '../fra/postureBank.ts';
import { POSTURE_DIM } from '../shared/face.ts';
import { poseBin } from '../shared/poseBins.ts';
import { seededRandom, shuffle } from '../shared/random.ts';
import type { TrainingSample } from './samples.ts';

/** Most postures of one pose bin. */
const PER_BIN = 16;

/** `codes[i]` belongs to `samples[i]`; all of training people. */
export function postureBankOf(
  samples: readonly TrainingSample[],
  codes: readonly Float32Array[],
  seed: number,
): PostureBank {
  const bins = new Map<number, number[]>();
  samples.forEach(({ pose }, i) => {
    const bin = poseBin(pose);
    const own = bins.get(bin) ?? [];
    own.push(i);
    bins.set(bin, own);
  });
  const chosen = [...bins]
    .sort(([a], [b]) => a - b)
    .flatMap(([bin, members]) => spreadOverSubjects(samples, members, seededRandom(seed, 'bank', bin)));
  const bank = {
    ids: chosen.map((_, i) => `posture-${String(i).padStart(4, '0')}`),
    codes: new Float32Array(chosen.length * POSTURE_DIM),
    yaw: Float32Array.from(chosen, (i) => samples[i]!.pose.yaw),
    pitch: Float32Array.from(chosen, (i) => samples[i]!.pose.pitch),
    roll: Float32Array.from(chosen, (i) => samples[i]!.pose.roll),
  };
  chosen.forEach((sample, i) => {
    bank.codes.set(codes[sample]!, i * POSTURE_DIM);
  });
  return bank;
}

/** At most PER_BIN of the members, of as many different people as there are. */
function spreadOverSubjects(
  samples: readonly TrainingSample[],
  members: readonly number[],
  random: () => number,
): number[] {
  const used = new Map<string, number>();
  const ranked = shuffle(random, [...members]).map((index) => {
    const { subjectId } = samples[index]!;
    const turn = used.get(subjectId) ?? 0;
    used.set(subjectId, turn + 1);
    return { index, turn };
  });
  return ranked
    .sort((a, b) => a.turn - b.turn)
    .slice(0, PER_BIN)
    .map(({ index }) => index);
}
