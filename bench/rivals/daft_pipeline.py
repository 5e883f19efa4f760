"""Daft: a list of photographs → two processes of a class that holds the networks → Parquet.

    daft_pipeline.py '{"models": {…}, "list": faces.csv, "out": FOLDER, "actors": 2, "threads": 1}'

Prints {"written": versions} when the table is there, and then, for whoever checks, {"faces": rows with a face}.
"""

import json
import os
import sys

os.environ["DO_NOT_TRACK"] = "true"
os.environ["DAFT_PROGRESS_BAR"] = "0"

import daft
import onnxruntime
import pyarrow
from daft import DataType

from onnx_faces import ANGLES, EMBEDDING_SIZE, FaceEmbedder

request = json.loads(sys.argv[1])
BATCH = 32
FACE = pyarrow.struct(
    [
        ("score", pyarrow.float32()),
        ("embedding", pyarrow.list_(pyarrow.float32(), EMBEDDING_SIZE)),
        ("pose", pyarrow.list_(pyarrow.float32(), len(ANGLES))),
    ]
)


@daft.cls(max_concurrency=request["actors"], use_process=request["actors"] > 1)
class Embed:
    def __init__(self):
        self.embedder = FaceEmbedder(request["models"], request["threads"])

    @daft.method.batch(return_dtype=DataType.from_arrow_type(FACE), unnest=True, batch_size=BATCH)
    def __call__(self, path):
        score, embedding, pose = self.embedder.embed(path.to_pylist())
        columns = [
            pyarrow.array(score),
            pyarrow.FixedSizeListArray.from_arrays(embedding.ravel(), EMBEDDING_SIZE),
            pyarrow.FixedSizeListArray.from_arrays(pose.ravel(), len(ANGLES)),
        ]
        return pyarrow.StructArray.from_arrays(columns, fields=list(FACE))


if __name__ == "__main__":
    photographs = daft.read_csv(request["list"]).into_batches(BATCH)
    photographs.select("*", Embed()(photographs["path"])).write_parquet(request["out"])
    versions = {"daft": daft.__version__, "onnxruntime (Python)": onnxruntime.__version__}
    print(json.dumps({"written": versions}), flush=True)
    faces = daft.read_parquet(f"{request['out']}/*.parquet").where(daft.col("score") > 0).count_rows()
    print(json.dumps({"faces": faces}), flush=True)
