"""Opens a finished run with pyarrow, polars, DuckDB and Hugging Face datasets; every reader must see the same."""

import json
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy
import polars
import pyarrow
from datasets import Dataset, load_dataset
from pyarrow import dataset

out = Path(sys.argv[1]).resolve()
manifest = json.loads((out / "manifest.json").read_text())
totals, shape = manifest["totals"], manifest["table"]
files = [str(out / entry["key"]) for entry in manifest["files"] if entry["kind"] == "data"]
rows, dim = totals["rows"], shape["embeddingDim"]
is_parquet = shape["format"] == "parquet"
is_half = shape["embeddingType"] == "float16"


def check(reader: str, matrix: numpy.ndarray, ids: list[str]) -> None:
    assert matrix.shape == (rows, dim), (reader, matrix.shape)
    norms = numpy.linalg.norm(matrix.astype(numpy.float32), axis=1)
    assert numpy.allclose(norms, 1, atol=5e-3 if is_half else 1e-3), (reader, norms.min(), norms.max())
    assert len(set(ids)) == rows, reader
    print(f"{reader}: {rows} rows of {dim} {matrix.dtype}")


def check_vector(column: str, size: int, value_type: pyarrow.DataType) -> None:
    found = table.schema.field(column).type
    assert pyarrow.types.is_fixed_size_list(found), found
    assert (found.list_size, found.value_type) == (size, value_type), found


table = dataset.dataset(files, format="parquet" if is_parquet else "ipc").to_table()
embedding = table.column("embedding").combine_chunks()
value_type = pyarrow.float16() if is_half else pyarrow.float32()
check_vector("embedding", dim, value_type)
values = embedding.flatten().to_numpy(zero_copy_only=True)
check("pyarrow (zero copy)", values.reshape(rows, dim), table.column("face_id").to_pylist())
check_vector("landmarks", 136, pyarrow.float32())
check_vector("posture_code", 512, pyarrow.float32())
kinds = table.column("kind").to_pylist()
assert kinds.count("real") == totals["ok"] and kinds.count("augmented") == totals["variants"]
described = json.loads((table.schema.metadata or {}).get(b"posecast", b"{}"))
assert described.get("runId") == manifest["runId"], described

frame = polars.read_parquet(files) if is_parquet else polars.read_ipc(files)
if not is_half:
    assert frame.schema["embedding"] == polars.Array(polars.Float32, dim), frame.schema["embedding"]
check("polars", frame["embedding"].to_numpy(), frame["face_id"].to_list())

if is_parquet:
    found = duckdb.sql(f"SELECT face_id, embedding::FLOAT[] AS embedding FROM read_parquet({files})").fetchall()
    check("DuckDB", numpy.array([row[1] for row in found], numpy.float32), [row[0] for row in found])

hugging = (
    load_dataset("parquet", data_files=files, split="train", cache_dir=tempfile.mkdtemp(prefix="posecast-datasets-"))
    if is_parquet
    else Dataset(table)
)
# Its numpy format wants every list present; variants have no landmarks.
hugging = hugging.select_columns(["face_id", "embedding"]).with_format("numpy")
check("Hugging Face datasets", numpy.stack(hugging["embedding"]), list(hugging["face_id"]))
