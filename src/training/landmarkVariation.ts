/**
 * Landmark sets without photographs: shapes of training people are blended, their expression and proportions
 * changed, turned in three dimensions and drawn. The autoencoder needs many more sets than there are photographs.
 */
import { LANDMARK_COUNT, type Landmarks68 } from '../shared/face.ts';
import { type Random, randomInt, randomNormal } from '../shared/random.ts';
import { headRotation, LANDMARK_DEPTH, type Rotation } from './headModel.ts';

/** Degrees; uniform. Beyond what renders reach, so that the edge of the range is learnt too. */
const MAX_YAW = 70;
const MAX_PITCH = 30;
/** Degrees, standard deviation: what the alignment of turned faces leaves. */
const ROLL_SPREAD = 4;

/** One landmark set of a person that does not exist. `shapes`: head shapes (68 × 2) of training photographs. */
export function varyLandmarks(shapes: readonly Float32Array[], random: Random): Landmarks68 {
  const first = shapes[randomInt(random, shapes.length)]!;
  const second = shapes[randomInt(random, shapes.length)]!;
  const share = random();
  const shape = first.map((value, i) => share * value + (1 - share) * second[i]!);
  if (random() < 0.3) openMouth(shape, 0.35 * random());
  if (random() < 0.3) moveEyelids(shape, -1 + 1.6 * random());
  if (random() < 0.3) moveBrows(shape, -0.1 + 0.2 * random());
  const [stretchX, stretchY, stretchZ] = [0, 0, 0].map(() => 1 + 0.05 * randomNormal(random)) as [
    number,
    number,
    number,
  ];
  const rotate = headRotation(MAX_YAW * (2 * random() - 1), MAX_PITCH * (2 * random() - 1));
  const roll = (ROLL_SPREAD * randomNormal(random) * Math.PI) / 180;
  const noise = 0.012 * random();
  const turned: Landmarks68 = new Float32Array(2 * LANDMARK_COUNT);
  for (let i = 0; i < LANDMARK_COUNT; i++) {
    const [x, y] = turnedPoint(
      rotate,
      i,
      shape[2 * i]! * stretchX,
      shape[2 * i + 1]! * stretchY,
      LANDMARK_DEPTH[i]! * stretchZ,
    );
    turned[2 * i] = x * Math.cos(roll) - y * Math.sin(roll) + noise * randomNormal(random);
    turned[2 * i + 1] = x * Math.sin(roll) + y * Math.cos(roll) + noise * randomNormal(random);
  }
  return turned;
}

/** Where landmark i of a turned head is seen. */
function turnedPoint(
  rotate: Rotation,
  i: number,
  x: number,
  y: number,
  z: number,
): readonly [number, number] {
  const [turnedX, turnedY] = rotate(x, y, z);
  if (i > 16) return [turnedX, turnedY];
  // A jaw landmark is a point of the face's outline. When its side turns away the outline moves over the cheek
  // towards the mouth: the cheek's cross-section is taken as an ellipse from the jaw to the depth of the chin.
  const front = LANDMARK_DEPTH[8]!;
  const side = Math.sign(x);
  let best: readonly [number, number] = [turnedX, turnedY];
  for (let share = 0.95; share > 0.3; share -= 0.05) {
    const depth = z + (front - z) * Math.sqrt(1 - share * share);
    const [cheekX, cheekY] = rotate(x * share, y, depth);
    if (side * cheekX > side * best[0]) best = [cheekX, cheekY];
  }
  return best;
}

/** Lowers the lower lip and the jaw by `amount` eye distances at the chin, fading towards the ears. */
function openMouth(shape: Float32Array, amount: number): void {
  for (let i = 2; i <= 14; i++) shape[2 * i + 1]! += amount * (1 - Math.abs(i - 8) / 6) ** 0.5 * 0.9;
  for (const i of [55, 56, 57, 58, 59]) shape[2 * i + 1]! += amount * (1 - Math.abs(i - 57) / 4);
  for (const i of [65, 66, 67]) shape[2 * i + 1]! += amount * (1 - Math.abs(i - 66) / 4);
}

/** −1: closed; > 0: wider. */
function moveEyelids(shape: Float32Array, amount: number): void {
  for (const [upper, lower] of [
    [37, 41],
    [38, 40],
    [43, 47],
    [44, 46],
  ] as const) {
    const middle = (shape[2 * upper + 1]! + shape[2 * lower + 1]!) / 2;
    for (const i of [upper, lower]) shape[2 * i + 1] = middle + (shape[2 * i + 1]! - middle) * (1 + amount);
  }
}

/** Raises (< 0) or lowers both brows, in eye distances. */
function moveBrows(shape: Float32Array, amount: number): void {
  for (let i = 17; i <= 26; i++) shape[2 * i + 1]! += amount;
}
