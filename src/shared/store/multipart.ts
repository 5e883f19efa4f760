/** How large bodies go up to S3, in bytes. Without imports: a dry run counts requests and needs no S3 client. */

/** Bodies above this go up in parts. */
export const MULTIPART_BYTES = 16 * 2 ** 20;
export const PART_BYTES = 8 * 2 ** 20;
