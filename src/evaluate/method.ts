/** A row of the table: a way to add embeddings to enrolled people. */
import type { FaceClass, Photograph } from './people.ts';
import type { RowKind } from './result.ts';
import type { TargetPose, Trial } from './trials.ts';

/** One embedding that is wanted. All rows get the same requests. */
export interface VariantRequest {
  readonly person: FaceClass;
  /** Position in `person.enrol` of the photograph to start from. */
  readonly source: number;
  readonly target: TargetPose;
  /** 0-based number of the variant within its person. */
  readonly variant: number;
}

export interface MethodSize {
  readonly parameters: number;
  /** Of one variant. */
  readonly multiplyAdds: number;
}

/** A method that has learned what it may in one trial. */
export interface PreparedMethod {
  /** One embedding a request, of any length; undefined: this variant cannot be made. */
  generate(requests: readonly VariantRequest[]): Promise<(Float32Array | undefined)[]>;
  /** Applied to every embedding, probes and gallery, before anything is compared. */
  readonly transform?: (embedding: Float32Array) => Float32Array;
  readonly size?: MethodSize;
}

export interface Method {
  readonly id: string;
  readonly label: string;
  readonly kind: RowKind;
  readonly trainedOn: string;
  /** For an ablation: the id of what was ablated. */
  readonly of?: string;
  /** For an ablation: what became of the postures. */
  readonly ablation?: 'posture-random' | 'posture-removed';
  /**
   * Where variants are made: of embeddings (absent: so), of photographs, which the recogniser is run on again, or with
   * the space of all embeddings changed.
   */
  readonly space?: 'latent' | 'picture' | 'transformed';
  readonly note?: string;
  /** Variants a second where generating is only looking up what was computed before; null: unknown. */
  readonly perSecond?: number | null;
  /**
   * True: tested in two halves, as oracles must be, so that no probe is compared with itself. `prepare` gets the half
   * whose probes are tested and may use the others (`isTested` in rivals/oracles.ts says which).
   */
  readonly inHalves?: true;
  /** May look at the trial's training people, never at the test people's probes (kinds control and oracle do). */
  prepare(trial: Trial, half?: 0 | 1): Promise<PreparedMethod>;
}

export function sourceOf({ person, source }: VariantRequest): Photograph {
  return person.enrol[source]!;
}

/** A method that makes each variant by itself. */
export function perRequest(make: (request: VariantRequest) => Float32Array | undefined): PreparedMethod {
  return { generate: async (requests) => requests.map(make) };
}
