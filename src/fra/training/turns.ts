/** What closed forms are fitted to: a person's near-frontal embedding with the same person's at another pose. */
import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '../../shared/errors.ts';
import type { PoseBasis } from '../generators/generatorConfig.ts';
import { basisAt, PITCH_UNIT } from '../generators/poseBasis.ts';
import { valuesOf } from '../networks/tensorOps.ts';
import { frontalSamples, type PairSample } from './pairs.ts';
import type { LinearFit } from './ridge.ts';

/** A person's near-frontal embedding, and the same person elsewhere. */
export interface Turn {
  readonly source: PairSample;
  readonly target: PairSample;
  /** Basis values at the target's pose, as read off its posture. */
  readonly basis: readonly number[];
}

/** Faces (weighted by the hat) and people a knot needs. */
const MIN_KNOT_FACES = 24;
const MIN_KNOT_PEOPLE = 4;
/** Every near-frontal sample of a person with every other sample of theirs. */
export function makeTurns(training: readonly PairSample[]): Omit<Turn, 'basis'>[] {
  const people = new Map<string, PairSample[]>();
  for (const sample of training) {
    const own = people.get(sample.subjectId) ?? [];
    own.push(sample);
    people.set(sample.subjectId, own);
  }
  return [...people.values()].flatMap((own) =>
    frontalSamples(own).flatMap((source) =>
      own.filter((target) => target !== source).map((target) => ({ source, target })),
    ),
  );
}

/**
 * The requested basis without the knots, or the pitch, that training faces do not show; `read` says their poses.
 *
 * @throws ConfigError when no knot has enough faces.
 */
export function usableBasis(
  { knots, pitch }: { readonly knots: readonly number[]; readonly pitch: boolean },
  turns: readonly Omit<Turn, 'basis'>[],
  read: (face: PairSample) => { readonly yaw: number; readonly pitch: number },
): PoseBasis {
  const poses = turns.map(({ target }) => ({ ...read(target), subjectId: target.subjectId }));
  const full = { knots: [...knots], pitch: false };
  const values = poses.map((pose) => basisAt(full, pose.yaw, 0));
  const shown = knots.filter((_, k) => {
    const faces = values.reduce((sum, value) => sum + value[k]!, 0);
    const people = new Set(
      poses.filter((_pose, i) => values[i]![k]! > 0.25).map(({ subjectId }) => subjectId),
    );
    return faces >= MIN_KNOT_FACES && people.size >= MIN_KNOT_PEOPLE;
  });
  if (shown.length === 0) {
    throw new ConfigError(
      'too-few-pairs',
      `expected ${MIN_KNOT_FACES} faces of ${MIN_KNOT_PEOPLE} people near one of the yaw knots, each with another face of that person`,
      { pairs: turns.length, knots: knots.join(',') },
    );
  }
  const tilted = (sign: number) =>
    new Set(poses.filter((pose) => sign * pose.pitch > PITCH_UNIT / 2).map(({ subjectId }) => subjectId))
      .size;
  return {
    knots: shown,
    pitch: pitch && shown.length > 1 && Math.min(tilted(1), tilted(-1)) >= MIN_KNOT_PEOPLE,
  };
}

export function changeOf({ source, target }: Turn): Float32Array {
  return target.embedding.map((value, i) => value - source.embedding[i]!);
}

/** Σ_f φ_f·(W_f·identity + a_f·identity + b_f) of every turn over the given functions: rows × D. */
export function predictChanges(
  turns: readonly Turn[],
  fits: readonly LinearFit[],
  identityDim: number,
): Float32Array {
  const rows = turns.length;
  return valuesOf(() => {
    const identities = tf.tensor2d(flatten(turns.map(({ source }) => source.embedding)), [rows, identityDim]);
    let sum: tf.Tensor2D = tf.zeros([rows, identityDim]);
    fits.forEach(({ map, scale, offset }, f) => {
      const shares = tf.tensor2d(
        turns.map(({ basis }) => basis[f]!),
        [rows, 1],
      );
      const offsets = tf.tensor2d(offset, [1, identityDim]);
      const scaled = tf.add(tf.mul(identities, scale), offsets);
      const change =
        map.length === 0
          ? scaled
          : tf.add(tf.matMul(identities, tf.tensor2d(map, [identityDim, identityDim])), scaled);
      sum = tf.add(sum, tf.mul(shares, change));
    });
    return sum;
  });
}

/** Vectors of one length, one after the other. */
export function flatten(vectors: readonly Float32Array[]): Float32Array {
  const width = vectors[0]?.length ?? 0;
  const values = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    values.set(vector, i * width);
  });
  return values;
}
