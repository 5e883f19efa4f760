/** Puts objects into a test's S3 service as another program would: by the SDK, not by the product's store. */
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Service } from './services/s3.ts';

export async function putObjects(
  service: Pick<S3Service, 'endpoint' | 'bucket' | 'requests'>,
  objects: Readonly<Record<string, Uint8Array | string>>,
): Promise<void> {
  const client = new S3Client({ endpoint: service.endpoint, forcePathStyle: true });
  try {
    for (const [Key, Body] of Object.entries(objects)) {
      await client.send(new PutObjectCommand({ Bucket: service.bucket, Key, Body: Buffer.from(Body) }));
    }
  } finally {
    client.destroy();
  }
  service.requests.length = 0;
}
