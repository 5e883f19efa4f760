/** The corpora of an evaluation as embedded people, one set for each recogniser. */
import type { Photographs } from '../../shared/corpus/photographs.ts';
import type { FaceRecord } from '../../shared/face.ts';
import { seededRandom, shuffle } from '../../shared/random.ts';
import type { PipelineModels } from '../../worker/models/pipelineModels.ts';
import { assignPhotographs, type FaceClass, type Person, type Photograph } from '../people.ts';
import type { CorpusCounts } from '../result.ts';
import type { ViewTable } from '../rivals/pictureViews.ts';
import type { EvaluationHooks, EvaluationSettings } from '../settings.ts';
import type { EmbeddedPerson } from '../sharedPeople.ts';
import { type EmbeddedViews, embedViews, measureViewRate, type ViewRequest } from './embedViews.ts';
import type { ViewOutcome } from './faceView.ts';

/** A corpus as the command line opened it. */
export interface CorpusInput {
  readonly role: CorpusCounts['role'];
  /** As typed. */
  readonly path: string;
  readonly photographs: Photographs;
  readonly faces: readonly FaceRecord[];
  /** Nominal yaw in degrees from a file name; undefined: the pose meter's. */
  readonly yawOf?: (face: FaceRecord) => number | undefined;
}

export interface EmbeddedPeople {
  readonly corpora: CorpusCounts[];
  readonly known: readonly EmbeddedPerson[];
  /** Recogniser name → its classes. */
  readonly classes: ReadonlyMap<string, readonly FaceClass[]>;
  /** Where a photograph lies, by `photographId`. */
  readonly files: ReadonlyMap<string, PhotographFile>;
}

export type PhotographFile = Pick<ViewRequest, 'photographs' | 'face'>;

export interface EmbedPeopleOptions {
  readonly recognizers: readonly PipelineModels[];
  readonly work: string;
  readonly settings: EvaluationSettings;
  readonly hooks: EvaluationHooks;
}

/** Two corpora may use the same face ids and names of people. */
const photographId = (role: string, faceId: string) => `${role}/${faceId}`;

interface ListedFace {
  readonly corpus: CorpusInput;
  readonly face: FaceRecord;
}

/** Embeds every photograph and decides who is enrolled by what; poses are the same for every recogniser. */
export async function embedPeople(
  corpora: readonly CorpusInput[],
  options: EmbedPeopleOptions,
): Promise<EmbeddedPeople> {
  const { settings, hooks, recognizers, work } = options;
  const listed = corpora.flatMap((corpus) => corpus.faces.map((face): ListedFace => ({ corpus, face })));
  hooks.stage('photographs');
  const requests = listed.map(({ corpus, face }): ViewRequest => {
    return { photographs: corpus.photographs, face, views: [{ kind: 'photograph' }] };
  });
  const answers = await embedViews(requests, {
    recognizers,
    work,
    signal: hooks.signal,
    progress: (done, total) => hooks.progress(done, total, ''),
  });
  const labels = settings.shuffleLabels ? shuffledLabels(listed, settings.seed) : undefined;
  const classes = new Map<string, readonly FaceClass[]>();
  const leftOut = new Map<CorpusInput, string[]>();
  for (const { recognizer } of recognizers) {
    const people = peopleOf(listed, answers, recognizer.name, labels);
    const assigned = assignPhotographs([...people.values()], settings.enrol, settings.probes);
    classes.set(recognizer.name, assigned.classes);
    for (const corpus of corpora) {
      leftOut.set(
        corpus,
        assigned.leftOut.filter(({ role }) => role === corpus.role).map(({ subjectId }) => subjectId),
      );
    }
  }
  const first = recognizers[0]!.recognizer.name;
  return {
    classes,
    corpora: corpora.map((corpus) => countCorpus(corpus, listed, answers, first, leftOut.get(corpus) ?? [])),
    known: knownPeople(listed, answers, first, classedPhotographs([...classes.values()].flat())),
    files: new Map(
      listed.map(({ corpus: { role, photographs }, face }) => [
        photographId(role, face.faceId),
        { photographs, face },
      ]),
    ),
  };
}

function outcomeOf(answer: EmbeddedViews, recognizer: string): ViewOutcome {
  return answer.outcomes.get(recognizer)![0]!;
}

function peopleOf(
  listed: readonly ListedFace[],
  answers: readonly EmbeddedViews[],
  recognizer: string,
  labels: readonly string[] | undefined,
): Map<string, Person> {
  const people = new Map<string, Person & { photographs: Photograph[] }>();
  listed.forEach(({ corpus, face }, i) => {
    const outcome = outcomeOf(answers[i]!, recognizer);
    if (outcome.status === 'rejected') return;
    const { pose, embedding } = outcome.view;
    const subjectId = labels?.[i] ?? face.subjectId;
    const key = `${corpus.role}/${subjectId}`;
    const person = people.get(key) ?? { subjectId, role: corpus.role, photographs: [] };
    people.set(key, person);
    person.photographs.push({
      faceId: photographId(corpus.role, face.faceId),
      subjectId,
      yaw: corpus.yawOf?.(face) ?? pose.yaw,
      pitch: pose.pitch,
      embedding,
    });
  });
  // Somebody without any usable photograph is left out as well, and has to be counted as such.
  listed.forEach(({ corpus: { role }, face }, i) => {
    const subjectId = labels?.[i] ?? face.subjectId;
    const key = `${role}/${subjectId}`;
    if (!people.has(key)) people.set(key, { subjectId, role, photographs: [] });
  });
  return people;
}

/** Names dealt out anew among the photographs of each corpus: who is who means nothing any more. */
function shuffledLabels(listed: readonly ListedFace[], seed: number): string[] {
  const labels = listed.map(({ face }) => face.subjectId);
  for (const role of ['evaluated', 'distractors'] as const) {
    const positions = listed.flatMap(({ corpus }, i) => (corpus.role === role ? [i] : []));
    const dealt = shuffle(
      seededRandom(seed, 'shuffle labels', role),
      positions.map((i) => listed[i]!.face.subjectId),
    );
    positions.forEach((i, k) => {
      labels[i] = dealt[k]!;
    });
  }
  return labels;
}

function countCorpus(
  corpus: CorpusInput,
  listed: readonly ListedFace[],
  answers: readonly EmbeddedViews[],
  recognizer: string,
  subjectsLeftOut: string[],
): CorpusCounts {
  const rejected: Record<string, number> = {};
  let usable = 0;
  listed.forEach(({ corpus: own }, i) => {
    if (own !== corpus) return;
    const outcome = outcomeOf(answers[i]!, recognizer);
    if (outcome.status === 'ok') usable++;
    else rejected[outcome.rejection.code] = (rejected[outcome.rejection.code] ?? 0) + 1;
  });
  return {
    role: corpus.role,
    path: corpus.path,
    subjects: new Set(corpus.faces.map(({ subjectId }) => subjectId)).size,
    photographs: corpus.faces.length,
    usable,
    rejected,
    subjectsLeftOut,
    poseFrom: corpus.yawOf === undefined ? 'pose meter' : 'file names',
  };
}

/** The ids of all photographs of these classes. */
function classedPhotographs(classes: readonly FaceClass[]): ReadonlySet<string> {
  const photographs = classes.flatMap(({ enrol, probes, between }) => [...enrol, ...probes, ...between]);
  return new Set(photographs.map(({ faceId }) => faceId));
}

/**
 * Who is in the corpora under their true names, for the search for leaks and for people of both.
 * @param classed ids of the photographs that are in a class, whose ever, where labels are shuffled.
 */
function knownPeople(
  listed: readonly ListedFace[],
  answers: readonly EmbeddedViews[],
  recognizer: string,
  classed: ReadonlySet<string>,
): EmbeddedPerson[] {
  const people = new Map<
    string,
    EmbeddedPerson & { photographs: string[]; crops: string[]; takesPart: boolean }
  >();
  listed.forEach(({ corpus, face }, i) => {
    const key = `${corpus.role}/${face.subjectId}`;
    const person = people.get(key) ?? {
      ...{ subjectId: face.subjectId, role: corpus.role },
      ...{ photographs: [], crops: [], takesPart: false },
    };
    people.set(key, person);
    if (classed.has(photographId(corpus.role, face.faceId))) person.takesPart = true;
    const { sha256 } = answers[i]!;
    if (sha256 !== undefined) person.photographs.push(sha256);
    const outcome = outcomeOf(answers[i]!, recognizer);
    if (outcome.status === 'ok') person.crops.push(outcome.view.cropHash);
  });
  return [...people.values()];
}

/** Yaws in degrees that enrolment photographs are rendered at; frontal is the photograph itself. */
const RENDER_STEP = 15;
const RENDER_LIMIT = 75;
/** Photographs whose views are made once more to measure how long that takes. */
const TIMED_PHOTOGRAPHS = 3;

/** Enrolment photographs mirrored, and rendered over the range of the targets; recogniser name → views. */
export async function embedEnrolmentViews(
  people: EmbeddedPeople,
  [fromYaw, toYaw]: readonly [number, number],
  options: EmbedPeopleOptions,
): Promise<Map<string, ViewTable>> {
  const { hooks, recognizers, work } = options;
  hooks.stage('mirrored and rendered enrolment photographs');
  const ids = [
    ...new Set(
      [...people.classes.values()].flatMap((classes) =>
        classes.flatMap(({ enrol }) => enrol.map(({ faceId }) => faceId)),
      ),
    ),
  ];
  const yaws: number[] = [];
  for (let yaw = -RENDER_LIMIT; yaw <= RENDER_LIMIT; yaw += RENDER_STEP) {
    const wanted = yaw >= fromYaw - RENDER_STEP / 2 && yaw <= toYaw + RENDER_STEP / 2;
    if (yaw !== 0 && wanted) yaws.push(yaw);
  }
  const requests = ids.map((faceId): ViewRequest => {
    const views = [{ kind: 'mirrored' } as const, ...yaws.map((yaw) => ({ kind: 'render', yaw }) as const)];
    return { ...people.files.get(faceId)!, views };
  });
  const embedOptions = { recognizers, work, signal: hooks.signal };
  const answers = await embedViews(requests, {
    ...embedOptions,
    progress: (done, total) => hooks.progress(done, total, `${1 + yaws.length} pictures each`),
  });
  const rendersPerSecond = await measureViewRate(requests.slice(0, TIMED_PHOTOGRAPHS), embedOptions);
  return new Map(
    recognizers.map(({ recognizer: { name } }) => {
      const mirrored = new Map<string, Float32Array>();
      const renders = new Map<string, { yaw: number; embedding: Float32Array }[]>();
      ids.forEach((faceId, i) => {
        const [mirror, ...turned] = answers[i]!.outcomes.get(name)!;
        if (mirror?.status === 'ok') mirrored.set(faceId, mirror.view.embedding);
        const accepted = turned.flatMap((outcome, k) =>
          outcome.status === 'ok' ? [{ yaw: yaws[k]!, embedding: outcome.view.embedding }] : [],
        );
        renders.set(faceId, accepted);
      });
      return [name, { mirrored, renders, rendersPerSecond }];
    }),
  );
}
