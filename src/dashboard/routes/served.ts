import type { Board } from '../board.ts';
import type { Site } from '../pages/layout.ts';

/** What the routes need. */
export interface Served {
  readonly board: Board;
  readonly allowActions: boolean;
  site(): Site;
}
