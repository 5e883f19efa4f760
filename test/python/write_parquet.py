"""Writes one table in the ways that pyarrow, Polars and DuckDB have of writing Parquet, and its rows as JSON beside them."""

import json
import sys
from itertools import product
from pathlib import Path

import duckdb
import polars
import pyarrow
from pyarrow import parquet

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)


def table(rows: int, null_every: int) -> pyarrow.Table:
    """Long runs, short runs, one value, no value, and images: bytes, and bytes in a struct."""

    def column(of, kind):
        missing = [null_every > 0 and i * 7919 % null_every == 0 for i in range(rows)]
        return pyarrow.array([None if missing[i] else of(i) for i in range(rows)], kind)

    image = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    return pyarrow.table(
        {
            "id": [f"face {i}" for i in range(rows)],
            "person": column(lambda i: f"person {i % 37}", pyarrow.string()),
            "label": column(lambda i: i // 50, pyarrow.int64()),
            "one": pyarrow.array(["x"] * rows),
            "none": pyarrow.array([None] * rows, pyarrow.string()),
            "flag": column(lambda i: i % 5 < 2, pyarrow.bool_()),
            "score": column(lambda i: i / 3, pyarrow.float64()),
            "bytes": column(lambda i: bytes([i % 256]) * (i % 300), pyarrow.binary()),
            "image": column(lambda i: {"bytes": bytes([i % 251]) * (i % 90), "path": f"{i}.jpg"}, image),
        }
    )


ENCODINGS = {
    "id": "DELTA_BYTE_ARRAY",
    "person": "DELTA_LENGTH_BYTE_ARRAY",
    "label": "DELTA_BINARY_PACKED",
    "flag": "RLE",
    "score": "BYTE_STREAM_SPLIT",
    "bytes": "DELTA_LENGTH_BYTE_ARRAY",
}
CODECS = ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]


def plain(value):
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return value.hex() if isinstance(value, bytes) else value


files = 0
for rows, null_every in product([1, 9, 1003], [0, 2, 17]):
    rows_of = table(rows, null_every)
    folder = out / f"{rows}-rows-null-every-{null_every}"
    folder.mkdir(exist_ok=True)
    columns = {name: [plain(value) for value in rows_of[name].to_pylist()] for name in rows_of.column_names}
    (folder / "columns.json").write_text(json.dumps(columns))
    group = rows // 2 + 1
    for codec, version, dictionary, page, index in product(
        CODECS, ["1.0", "2.0"], [True, False], [200, 2**20], [True, False]
    ):
        parquet.write_table(
            rows_of, folder / f"pyarrow-{codec}-{version}-{dictionary}-{page}-{index}.parquet", row_group_size=group,
            compression=codec, data_page_version=version, use_dictionary=dictionary, data_page_size=page,
            write_batch_size=64, write_page_index=index,
        )  # fmt: skip
    for version in ["1.0", "2.0"]:
        parquet.write_table(
            rows_of, folder / f"pyarrow-encodings-{version}.parquet", row_group_size=group, use_dictionary=False,
            column_encoding=ENCODINGS, data_page_version=version, data_page_size=300, write_batch_size=64,
        )  # fmt: skip
    for codec in ["uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd"]:
        polars.from_arrow(rows_of).write_parquet(
            folder / f"polars-{codec}.parquet", compression=codec, row_group_size=group, data_page_size=500
        )
    duck = duckdb.connect()
    duck.register("rows_of", rows_of)
    for codec, version in product(["uncompressed", "snappy", "gzip", "brotli", "lz4_raw", "zstd"], ["V1", "V2"]):
        duck.execute(
            f"COPY rows_of TO '{folder / f'duckdb-{codec}-{version}.parquet'}' "
            f"(FORMAT parquet, COMPRESSION {codec}, PARQUET_VERSION {version}, ROW_GROUP_SIZE 2048)"
        )
    files += len(list(folder.glob("*.parquet")))
print(
    f"parquet: {files} files by pyarrow {pyarrow.__version__}, polars {polars.__version__}, duckdb {duckdb.__version__}"
)
