/**
 * Oracles: the person's own real turned photographs in place of variants. Nobody has them; they bound what can be won.
 */
import { type Method, perRequest } from '../method.ts';
import type { FaceClass, Photograph } from '../people.ts';

/**
 * Probes at every other position of a person by yaw are added, the others are tested, and the other way round: no probe
 * is compared with itself, and both halves cover the whole range.
 */
export const ORACLE: Method = {
  id: 'oracle',
  label: 'oracle: own photographs at the probes’ angles',
  kind: 'oracle',
  trainedOn: 'the tested people themselves',
  note: 'Every other probe of a person is enrolled and the rest tested, then the other way round.',
  inHalves: true,
  prepare: async (_trial, half = 0) => realPhotographs((person) => otherHalf(person, half)),
};

const FROM = 30;
const TO = 65;

/** The same with photographs at moderate angles only. */
export const MODERATE_ORACLE: Method = {
  id: 'oracle-moderate',
  label: `oracle: own photographs at ${FROM}–${TO}°`,
  kind: 'oracle',
  trainedOn: 'the tested people themselves',
  note: 'Photographs that are no probes, and every other probe, at these angles; the rest is tested, in two halves.',
  inHalves: true,
  prepare: async (_trial, half = 0) =>
    realPhotographs((person) =>
      [...person.between, ...otherHalf(person, half)].filter(
        ({ yaw }) => Math.abs(yaw) >= FROM && Math.abs(yaw) <= TO,
      ),
    ),
};

/** Whether the probe at this position of its person is tested in this half. */
export function isTested(position: number, half: 0 | 1): boolean {
  return position % 2 === half;
}

function otherHalf({ probes }: FaceClass, half: 0 | 1): Photograph[] {
  return probes.filter((_, i) => !isTested(i, half));
}

/** As many as variants are asked for, by turns. */
function realPhotographs(photographsOf: (person: FaceClass) => readonly Photograph[]) {
  return perRequest(({ person, variant }) => {
    const own = photographsOf(person);
    return own[variant % own.length]?.embedding;
  });
}
