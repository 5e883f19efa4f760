import type { Rejection } from '../../shared/face.ts';

/** Why a photograph gives no face, for people. */
export function rejectionText({ stage, code, message }: Rejection): string {
  return `rejected at ${stage}: ${message} [code=${code}]`;
}
