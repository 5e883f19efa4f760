/** Pictures of listed faces, made when a browser asks for them. */
import type { Hono } from 'hono';
import { noPicture } from '../assets.ts';
import type { Board } from '../board.ts';
import { thumbnailParams } from '../query.ts';

export function addThumbnails(app: Hono, board: Board): void {
  app.get('/runs/:run/thumbnails/:shard/:row', async (c) => {
    const view = board.view(c.req.param('run'));
    const parsed = thumbnailParams.safeParse(c.req.param());
    if (view === undefined || !parsed.success) return c.notFound();
    const { shard, row } = parsed.data;
    if (!view.watch.log.has(shard)) return c.notFound();
    const face = (await view.files.listing(shard))[row];
    if (face === undefined) return c.notFound();
    const picture = await view.thumbnails.of(`${shard}/${row}`, face);
    if (picture.status !== 'ok') {
      return c.body(noPicture(picture.word), 200, { 'Content-Type': 'image/svg+xml' });
    }
    return c.body(picture.webp as Uint8Array<ArrayBuffer>, 200, {
      'Content-Type': 'image/webp',
      // It does not change under a reader's eyes; browsers keep it as long as the page is open.
      'Cache-Control': 'private, max-age=600',
    });
  });
}
