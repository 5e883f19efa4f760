/**
 * File names of the Karolinska Directed Emotional Faces, which hold all labels of a photograph: `AF01ANFL.JPG` is
 * session A, female, number 01, angry, full left profile. Written from the set's own "Codes" page; never run on the
 * real set, which may not be redistributed.
 */

export const KDEF_SESSIONS = ['A', 'B'] as const;
export const KDEF_GENDERS = ['F', 'M'] as const;
/** Afraid, angry, disgusted, happy, neutral, sad, surprised. */
export const KDEF_EMOTIONS = ['AF', 'AN', 'DI', 'HA', 'NE', 'SA', 'SU'] as const;
/** Full left, half left, straight, half right, full right. */
export const KDEF_ANGLES = ['FL', 'HL', 'S', 'HR', 'FR'] as const;
/** People of each gender. */
const KDEF_NUMBERS = 35;

export type KdefSession = (typeof KDEF_SESSIONS)[number];
export type KdefGender = (typeof KDEF_GENDERS)[number];
export type KdefEmotion = (typeof KDEF_EMOTIONS)[number];
export type KdefAngle = (typeof KDEF_ANGLES)[number];

/**
 * Nominal yaw in degrees. A left profile shows the left side of the face, so that the nose points to the image's
 * left edge: negative, as in `Pose`.
 */
export const KDEF_YAW: Readonly<Record<KdefAngle, number>> = { FL: -90, HL: -45, S: 0, HR: 45, FR: 90 };

export interface KdefLabels {
  /** Which of two sittings; never a part of the identity. */
  readonly session: KdefSession;
  readonly gender: KdefGender;
  /** 1–35, counted for each gender. */
  readonly number: number;
  readonly emotion: KdefEmotion;
  readonly angle: KdefAngle;
}

/** A name that is not of this form: which part, what it may be, what it is. */
export interface KdefNameProblem {
  readonly part: 'name' | keyof KdefLabels;
  readonly expected: string;
  readonly found: string;
}

export type KdefName =
  | { readonly status: 'ok'; readonly labels: KdefLabels }
  | { readonly status: 'malformed'; readonly problem: KdefNameProblem };

const EXTENSION = /\.jpe?g$/i;

/** Parses a file name, with or without folders before it; upper and lower case are the same. */
export function parseKdefName(path: string): KdefName {
  const file = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  const stem = file.replace(EXTENSION, '').toUpperCase();
  if (stem.length === file.length) return malformed('name', 'a name ending in .jpg', file);
  if (stem.length < 7 || stem.length > 8) {
    return malformed('name', '7 or 8 letters and digits such as AF01ANFL', file);
  }
  const session = oneOf(KDEF_SESSIONS, stem.slice(0, 1));
  if (session === undefined) return malformed('session', KDEF_SESSIONS.join(' or '), stem.slice(0, 1));
  const gender = oneOf(KDEF_GENDERS, stem.slice(1, 2));
  if (gender === undefined) return malformed('gender', KDEF_GENDERS.join(' or '), stem.slice(1, 2));
  const digits = stem.slice(2, 4);
  const number = /^[0-9]{2}$/.test(digits) ? Number(digits) : 0;
  if (number < 1 || number > KDEF_NUMBERS) return malformed('number', `01 to ${KDEF_NUMBERS}`, digits);
  const emotion = oneOf(KDEF_EMOTIONS, stem.slice(4, 6));
  if (emotion === undefined) return malformed('emotion', KDEF_EMOTIONS.join(' '), stem.slice(4, 6));
  const angle = oneOf(KDEF_ANGLES, stem.slice(6));
  if (angle === undefined) return malformed('angle', KDEF_ANGLES.join(' '), stem.slice(6));
  return { status: 'ok', labels: { session, gender, number, emotion, angle } };
}

/** The person: gender and number, such as `F01`. The session is not part of it: both sittings show one person. */
export function kdefSubjectOf(labels: Pick<KdefLabels, 'gender' | 'number'>): string {
  return `${labels.gender}${String(labels.number).padStart(2, '0')}`;
}

function malformed(part: KdefNameProblem['part'], expected: string, found: string): KdefName {
  return { status: 'malformed', problem: { part, expected, found } };
}

function oneOf<Word extends string>(words: readonly Word[], text: string): Word | undefined {
  return words.find((word) => word === text);
}
