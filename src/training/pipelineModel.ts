/** A model of the cache as the face pipeline takes it. */
import type { ResolvedModel } from '../models/cache.ts';
import type { PipelineModel } from '../worker/models/openModels.ts';

export function pipelineModel({ name, family, files, entry }: ResolvedModel): PipelineModel {
  const { mean, std, colour } = entry.preprocess;
  // One number stands for all three channels.
  const triple = (values: readonly number[]): [number, number, number] => [
    values[0]!,
    values[1] ?? values[0]!,
    values[2] ?? values[0]!,
  ];
  return {
    name,
    family,
    files,
    ...(entry.embedDim !== undefined && { embedDim: entry.embedDim }),
    preprocess: {
      mean: triple(mean),
      std: triple(std),
      channelOrder: colour === 'bgr' ? 'BGR' : 'RGB',
    },
  };
}
