/** A thread that hashes files in shared memory while another thread writes them. */
import { bodySha256 } from '../../shared/store/objectBody.ts';
import { serveThread } from '../../shared/threads/serveThread.ts';

await serveThread<undefined, readonly Uint8Array[], string>(async () => async (content) => ({
  response: bodySha256(content),
}));
