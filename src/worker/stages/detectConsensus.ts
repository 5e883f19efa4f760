/** Several looks at one picture → the faces they agree on. */
import { type Detection, overlap } from '../models/detector.ts';

/** Boxes that overlap by more than this (intersection over union) are the same face. */
const SAME_FACE = 0.5;

/** A face that `votes` looks have found; box, points and score are the means of what they saw. */
export interface AgreedFace extends Detection {
  readonly votes: number;
}

/**
 * Faces by falling sum of scores. A face that fewer than half as many looks have seen as the best one is left out:
 * what only one look takes for a face is usually an ear or a collar.
 */
export function agreedFaces(detections: readonly Detection[]): AgreedFace[] {
  const groups: Detection[][] = [];
  let rest = [...detections];
  while (rest.length > 0) {
    const group = strongestGroup(rest);
    groups.push(group);
    rest = rest.filter((detection) => !group.includes(detection));
  }
  const mostVotes = groups[0]?.length ?? 0;
  return groups.filter((group) => group.length * 2 >= mostVotes).map(meanOf);
}

/**
 * The detection whose neighbours have the largest sum of scores, with those neighbours. Never none: a network may
 * answer boxes without an area, which do not even overlap themselves, and scores that are no numbers.
 */
function strongestGroup(detections: readonly Detection[]): Detection[] {
  let best = detections.slice(0, 1);
  let bestSum = Number.NEGATIVE_INFINITY;
  for (const detection of detections) {
    const group = detections.filter(
      (other) => other === detection || overlap(detection.box, other.box) > SAME_FACE,
    );
    const sum = group.reduce((total, { score }) => total + score, 0);
    if (sum > bestSum) {
      bestSum = sum;
      best = group;
    }
  }
  return best;
}

function meanOf(group: readonly Detection[]): AgreedFace {
  const weight = group.reduce((total, { score }) => total + score, 0);
  const mean = (value: (detection: Detection) => number) =>
    group.reduce((total, detection) => total + detection.score * value(detection), 0) / weight;
  const points = group[0]?.points?.map((_, i) => mean((detection) => detection.points?.[i] ?? Number.NaN));
  return {
    box: {
      x: mean(({ box }) => box.x),
      y: mean(({ box }) => box.y),
      width: mean(({ box }) => box.width),
      height: mean(({ box }) => box.height),
    },
    score: weight / group.length,
    votes: group.length,
    ...(points && { points }),
  };
}
