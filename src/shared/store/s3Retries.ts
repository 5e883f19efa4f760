/** Hears of the requests that the S3 client sends again by itself. */
import type { S3Client } from '@aws-sdk/client-s3';
import { toError } from '../errors.ts';
import type { StoreOperation, StoreRetry } from './observedStore.ts';
import { errorName, httpStatus } from './s3Errors.ts';

/** The commands that one operation of a store is made of. */
const OPERATIONS: Readonly<Record<string, StoreOperation>> = {
  PutObjectCommand: 'put',
  CreateMultipartUploadCommand: 'put',
  UploadPartCommand: 'put',
  CompleteMultipartUploadCommand: 'put',
  AbortMultipartUploadCommand: 'put',
  ListMultipartUploadsCommand: 'put',
  GetObjectCommand: 'get',
  HeadObjectCommand: 'head',
  ListObjectsV2Command: 'list',
  DeleteObjectCommand: 'delete',
};

/** A retry is told of when it is sent, with what the attempt before it met. */
export function hearRetries(client: S3Client, hear: (retry: StoreRetry) => void): void {
  client.middlewareStack.add(
    (next, context) => {
      // The stack is built anew for every command; the SDK's repeating step lies further out and calls this for each
      // attempt.
      let failure: string | undefined;
      return async (args) => {
        if (failure !== undefined)
          hear({ operation: operationOf(context.commandName, args.input), code: failure });
        try {
          return await next(args);
        } catch (error) {
          failure = retryCode(error);
          throw error;
        }
      };
    },
    { step: 'finalizeRequest', priority: 'low', name: 'posecastRetries' },
  );
}

/** What a failed attempt met: an HTTP status, or the code of a connection that broke. */
export function retryCode(error: unknown): string {
  const status = httpStatus(error);
  if (status !== undefined && status !== 200) return String(status);
  return (toError(error) as NodeJS.ErrnoException).code ?? errorName(error);
}

function operationOf(commandName: string | undefined, input: object): StoreOperation {
  const operation = OPERATIONS[commandName ?? ''] ?? 'get';
  return operation === 'put' && 'IfNoneMatch' in input ? 'put-if-absent' : operation;
}
