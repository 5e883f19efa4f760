"""Embeddings of a finished run as numpy matrices, with pyarrow and without a copy.

    python pyarrow_matrix.py OUT        OUT: a folder, or s3://bucket/prefix

A run written with `--format arrow` is mapped into memory: each matrix is a view of the mapped file, which the script
proves by comparing addresses. Parquet is compressed: decoding it is one copy, and the matrix is a view of what was
decoded.
"""

import json
import sys
from pathlib import Path

import numpy
import pyarrow
from pyarrow import fs, ipc, parquet


def open_run(out: str) -> tuple[fs.FileSystem, str, dict]:
    """The store that a run lies in, the run's place in it, and its manifest."""
    store, root = fs.FileSystem.from_uri(out if "://" in out else str(Path(out).absolute()))
    with store.open_input_stream(f"{root}/manifest.json") as stream:
        return store, root, json.load(stream)


def read_file(store: fs.FileSystem, path: str, table_format: str) -> tuple[list[pyarrow.RecordBatch], pyarrow.Buffer | None]:
    """The record batches of a data file, and the mapped file where there is one."""
    if table_format == "parquet":
        # A file in a bucket is read by ranges: name columns= and row groups to fetch only those.
        with store.open_input_file(path) as file:
            return parquet.ParquetFile(file).read(columns=["face_id", "subject_id", "kind", "embedding"]).to_batches(), None
    if isinstance(store, fs.LocalFileSystem):
        file = pyarrow.memory_map(path)
        reader = ipc.open_file(file)
        return [reader.get_batch(i) for i in range(reader.num_record_batches)], file.read_buffer(file.size())
    with store.open_input_file(path) as file:
        reader = ipc.open_file(file)
        return [reader.get_batch(i) for i in range(reader.num_record_batches)], None


def as_matrix(batch: pyarrow.RecordBatch) -> numpy.ndarray:
    """Rows × D, float32 or float16: a view of the batch's own buffer. Raises where that would need a copy."""
    embedding = batch.column("embedding")
    return embedding.flatten().to_numpy(zero_copy_only=True).reshape(len(batch), embedding.type.list_size)


def main(out: str) -> None:
    store, root, manifest = open_run(out)
    table_format = manifest["table"]["format"]
    rows = 0
    for entry in manifest["files"]:
        if entry["kind"] != "data":
            continue
        batches, mapped = read_file(store, f"{root}/{entry['key']}", table_format)
        for batch in batches:
            matrix = as_matrix(batch)
            rows += len(matrix)
            address = matrix.__array_interface__["data"][0]
            values = batch.column("embedding").flatten()
            width = values.type.bit_width // 8
            assert address == values.buffers()[1].address + values.offset * width, "numpy has a copy"
            if mapped is not None:
                inside = mapped.address <= address and address + matrix.nbytes <= mapped.address + mapped.size
                assert inside, "the matrix does not lie in the mapped file"
    assert rows == manifest["totals"]["rows"], (rows, manifest["totals"]["rows"])
    copies = "decoded once, then no copy" if table_format == "parquet" else "views of the mapped files"
    print(f"pyarrow: {rows} rows of {manifest['table']['embeddingDim']} values, {copies}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python pyarrow_matrix.py OUT")
    main(sys.argv[1])
