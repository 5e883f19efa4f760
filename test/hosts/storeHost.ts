/**
 * `node storeHost.js ADDRESS MS`: an S3 service on this address. It takes MS milliseconds to accept a shard's table, so
 * that a run of tiny networks lasts as long as cables are pulled. Prints one line, {endpoint, bucket}, and serves until
 * killed.
 */
import { startFaultProxy } from '../faults/faultProxy.ts';
import { withS3 } from '../helpers/services/s3.ts';

const [host = '127.0.0.1', ms] = process.argv.slice(2);

await withS3({ conditionalPuts: true }, async ({ endpoint, bucket }) => {
  const proxy = await startFaultProxy(endpoint, { host });
  proxy.faultOf = ({ method, path }) =>
    method === 'PUT' && path.includes('/data/') ? { kind: 'delay', ms: Number(ms) } : undefined;
  console.log(JSON.stringify({ endpoint: proxy.endpoint, bucket }));
  await new Promise(() => setInterval(() => {}, 60_000));
});
