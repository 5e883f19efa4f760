/** A process that replaces one object again and again until it is killed: `node putForever.js FOLDER KEY BYTES`. */
import { openStore } from '../../src/shared/store/openStore.ts';

const [folder = '', key = '', bytes = '0'] = process.argv.slice(2);
const store = await openStore(folder);
for (let value = 1; ; value = (value % 250) + 1) {
  await store.put(key, new Uint8Array(Number(bytes)).fill(value));
  process.stdout.write('.');
}
