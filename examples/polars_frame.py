"""A finished run as one polars frame, with the label to train on, and its embeddings as a numpy matrix.

    python polars_frame.py OUT          OUT: a folder

Written with `--format arrow`, the files are mapped by pyarrow, taken over by polars and given to numpy without a copy, which
the script proves by their addresses (polars' own `scan_ipc` reads them into memory). Parquet is decoded once. A frame of
several files has several chunks: one matrix of them all is a copy, one a file is not.
"""

import json
import sys
from pathlib import Path

import polars
import pyarrow
from pyarrow import ipc


def scan(files: list[str], table_format: str) -> polars.LazyFrame:
    """Nothing is read before it is asked for, and only the columns that are."""
    return polars.scan_parquet(files, glob=False) if table_format == "parquet" else polars.scan_ipc(files, glob=False)


def main(out: str) -> None:
    root = Path(out)
    manifest = json.loads((root / "manifest.json").read_text())
    table_format = manifest["table"]["format"]
    files = [str(root / entry["key"]) for entry in manifest["files"] if entry["kind"] == "data"]

    people = polars.scan_parquet(root / manifest["subjects"]["key"], glob=False).select("subject_id", "class_index")
    labelled = scan(files, table_format).select("face_id", "subject_id", "kind").join(people, on="subject_id").collect()
    print(labelled.group_by("kind").len().sort("kind"))

    rows = 0
    for file in files:
        mapped = None
        if table_format == "parquet":
            series = polars.read_parquet(file, columns=["embedding"], glob=False)["embedding"]
        else:
            source = pyarrow.memory_map(file)
            mapped = source.read_buffer(source.size())
            series = polars.from_arrow(ipc.open_file(source).read_all())["embedding"]
        for chunk in series.get_chunks():
            matrix = chunk.to_numpy(allow_copy=False)  # rows × D; raises where it would need a copy
            address = matrix.__array_interface__["data"][0]
            if mapped is not None:
                inside = mapped.address <= address and address + matrix.nbytes <= mapped.address + mapped.size
                assert inside, "the matrix does not lie in the mapped file"
            rows += len(matrix)
    assert rows == len(labelled) == manifest["totals"]["rows"], (rows, len(labelled))
    copies = "decoded once, then no copy" if table_format == "parquet" else "views of the mapped files"
    print(f"polars: {rows} rows of {manifest['table']['embeddingDim']} values, {copies}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python polars_frame.py OUT")
    main(sys.argv[1])
