/** Tables as polars 2.1.0 writes them, in gzip. */
import { gunzipSync } from 'node:zlib';

/**
 * Two record batches, as `polars.DataFrame({'label': Series(['b', 'a', 'b'], dtype=Categorical), 'image': [b'one',
 * b'two, of more than twelve bytes', None]}).write_ipc(path, record_batch_size=2)` of polars writes them.
 */
export const POLARS_CATEGORIES = unpacked([
  'H4sIAAAAAAACA+VVsUoDQRCdu2wkaJAzBjwtZMsUFjE2QpqEICoEEkJAu5jAaZQkJ3oa7Cws/QA/wdLS0tLS0tLKykpELITz7WUv',
  'XhaTGG0EB2YnOzuzM2/f3iZbKhU2FokYET27rhsn8VvDOE4TFMHIaBl+sa5DM9SJfYIvAcuhJlSbITIohjWDppBHFCUhm4gLw+42',
  'qzsW7CPmF7Dn0Dp0y883YzSHbJNmkR3FLnGvC1HrBTlc7ijWGEZRIZlOpo+WUmlRx4BWivlKLlteWS2U1nPZfIqkvCG/kxvxdnyV',
  '+xGNwcPo3cPHSPTZqNasBixc7n0A643cq3M+IXQx7eEV3QhMulw/gyZkHNEk8DAPDUk8Gn1KmPpLRNqM4vfnXNpTaecDMbpUUnyq',
  'aPRzCUHtltWdi/pO2174br6I5fY2b9oHFnfq1RZ32lbj2OK1E8c6HJ4v+LkdgR8fqzOEn6CwAfWZwoem8GEoZ6/1OfvfcPCXRPBx',
  'GeAj08OH3sOH+j0Gv5/yCPzoA/rhylnrX5x/TZlXR8RLAbz7sMUuXvFWxdA1894rUduUzT/IfP++XsvG7hS/39OavGhXyn37f2/y',
  'HkpnvX+rD3qeQNO0BgAA',
]);

/**
 * `polars.DataFrame({'subject_id': ['anna of more than twelve letters', 'bert'], 'image': [bytes(100_000),
 * bytes(120_000)]}).write_ipc(path)` of polars. Its columns are views.
 */
export const POLARS_VIEWS = unpacked([
  'H4sIAAAAAAACA+3QvU4bQRAA4D1jFItYkSFIuLwHoIAupXkCJDc0SMjAhRjxI4FJWqrkNVKmyENQ0KXNM6SiSkWB5Myez5FiJUr6',
  'fN/pbnZnZ8Yr7wyHu3vbKbVTSt+n0+l6yusivivpeerEt50eI9+NTCeefNqK71aa9dzHWT9irz5PqdhItZxfjjg+H51UER9ivxmx',
  'jDfXF/3csxYzemm17uzWfU9R147sSqyvbw5Pq6PJwfg4pUhP87XazazB/lJdP7vvUnS/rOd1Y/ctzluza6TPzV3X692L+O121PTq',
  'TK4pmrp5ffYs/VnZxMHC/nah7nbh/K6JH9/PfvH2wyzefS1+9rQW7pF+s8/zRhcXo/k+/x+H1dUk/aPcW16+Ls8vr6py8mZ0UU7e',
  'VWdvq/Ksmkyqq+u/9c/vPze/f5EAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAD+b9OQYzveh1gPIr6Kd73JddNa6sWqE6si9p+avk4xi4P9pV/mPcaMbj6PJ09oxXermXUfZ/2Ivfo8pWJj1pPzyxHH',
  '56OTqrnHZsQy3lxf9HPPWszopdW6s1v3PUVdO7Irsb6+OTytjiYH4+P0JbY7w+Hu3vYP5bKmes1eAwA=',
]);

function unpacked(lines: readonly string[]): Uint8Array {
  return gunzipSync(Buffer.from(lines.join(''), 'base64'));
}
