/** People at other poses, a row each: the photograph, then its renders. Renders that were not understood are marked. */
import sharp from 'sharp';
import { svgDocument, svgText, svgToPng } from './svgToPng.ts';

/** RGB, 8 bit, interleaved. */
export interface SheetPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface SheetCell {
  /** Undefined: an empty place. */
  readonly picture: SheetPicture | undefined;
  /** False: crossed out in red. */
  readonly usable: boolean;
}

/** Collects rows and draws them in the end; pictures are shrunk when they come. */
export interface TurnSheet {
  readonly rows: number;
  add(title: string, cells: readonly SheetCell[]): Promise<void>;
  /** PNG bytes; `columns` are headings, one a cell. */
  draw(columns: readonly string[]): Promise<Buffer>;
}

const SIDE = 104;
const GAP = 4;
const HEAD = 28;
/** Above every row, for its title. */
const TITLE = 20;

/** libvips reads no SVG document that is larger, in pixels along a side. */
const MOST_PIXELS = 32_767;
/** Rows that can be drawn. */
export const MOST_ROWS = Math.floor((MOST_PIXELS - HEAD - GAP) / (TITLE + SIDE + GAP));

export function openTurnSheet(): TurnSheet {
  const rows: { readonly title: string; readonly cells: readonly (string | undefined)[] }[] = [];
  return {
    get rows() {
      return rows.length;
    },
    async add(title, cells) {
      rows.push({ title, cells: await Promise.all(cells.map(tile)) });
    },
    async draw(columns) {
      const left = (column: number) => GAP + column * (SIDE + GAP);
      const top = (row: number) => HEAD + row * (TITLE + SIDE + GAP);
      const body = rows.flatMap(({ title, cells }, row) => [
        svgText(GAP, top(row) + TITLE - 6, title),
        ...cells.flatMap((cell, column) =>
          cell === undefined
            ? []
            : [
                `<g transform="translate(${left(column)} ${top(row) + TITLE})">`,
                `<svg width="${SIDE}" height="${SIDE}">${cell}</svg></g>`,
              ],
        ),
      ]);
      const headings = columns.map((text, column) =>
        svgText(left(column) + SIDE / 2, HEAD - 10, text, { size: 11, fill: '#666', anchor: 'middle' }),
      );
      return svgToPng(svgDocument(left(columns.length), top(rows.length) + GAP, [...headings, ...body]));
    },
  };
}

/** The picture in a square of SIDE pixels, as SVG. */
async function tile({ picture, usable }: SheetCell): Promise<string | undefined> {
  if (picture === undefined) return undefined;
  const { data, width, height } = picture;
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(SIDE, SIDE, { fit: 'contain', background: '#fff' })
    .jpeg({ quality: 90 })
    .toBuffer();
  const image = `<image width="${SIDE}" height="${SIDE}" href="data:image/jpeg;base64,${jpeg.toString('base64')}"/>`;
  return usable ? image : `${image}<path d="M2 2L${SIDE - 2} ${SIDE - 2}" stroke="#d00" stroke-width="3"/>`;
}
