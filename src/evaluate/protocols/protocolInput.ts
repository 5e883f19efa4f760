/** What a published protocol is run with. */
import type { FraModel } from '../../fra/fraModel.ts';
import type { Combiner } from '../../worker/models/combiner.ts';
import type { ModelPool } from '../../worker/threads/modelPool.ts';
import type { ProtocolName } from './protocolResult.ts';

/** A FRA model of the recogniser that is evaluated, with its networks open. */
export interface ProtocolModel {
  readonly id: string;
  readonly model: FraModel;
  readonly combiner: Combiner;
}

export interface ProtocolInput {
  readonly protocol: ProtocolName;
  /** Absolute folder of the photographs. */
  readonly corpus: string;
  /**
   * Absolute: the list of LFW, CPLFW, CALFW; the folder `Protocol` of CFP; photographs and pairs of IJB; none for KDEF.
   */
  readonly lists: readonly string[];
  readonly recognizer: string;
  readonly detector: string;
  readonly pool: ModelPool;
  readonly models: readonly ProtocolModel[];
  /** Variants of each enrolled photograph or template. */
  readonly variants: number;
  readonly seed: number;
  /** Samples of the published KDEF form, at most. The SVM's kernel grows with their square: 3000 take 80 MB. */
  readonly samples: number;
  /** As typed. */
  readonly command: string;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly signal: AbortSignal;
  /** Photographs embedded so far. */
  readonly progress: (done: number) => void;
  /**
   * Called with the photographs' digests and the people that the protocol knows, before anything is compared. Throws
   * when a model was trained on them; when that was allowed, answers with what makes the numbers worthless.
   */
  readonly findLeaks: (photographs: readonly string[], subjects: readonly string[]) => readonly string[];
}
