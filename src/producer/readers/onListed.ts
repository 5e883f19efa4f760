/**
 * Hears how much of a corpus is listed, every few hundred faces. Without `subjects`: so many faces are found, and none
 * of them is listed before all are.
 */
export type OnListed = (listed: { readonly faces: number; readonly subjects?: number }) => void;

/** Faces between two calls. */
export const LISTED_EVERY = 500;
