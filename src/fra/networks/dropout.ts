import type * as tf from '@tensorflow/tfjs-core';

/** What zeroes a share of a layer's values in training; identity outside it. */
export type Dropout = <T extends tf.Tensor>(x: T) => T;
export const noDropout: Dropout = (x) => x;
