"""Ray Data: a list of photographs → two actors that hold the networks → Parquet.

    ray_pipeline.py '{"models": {…}, "list": faces.csv, "out": FOLDER, "actors": 2, "threads": 1}'

Prints {"written": versions} when the table is there, and then, for whoever checks, {"faces": rows with a face}.
"""

import csv
import json
import os
import sys

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
# A cluster of this machine alone, for as long as this program runs.
os.environ["RAY_AUTH_MODE"] = "disabled"

import onnxruntime
import ray

from onnx_faces import FaceEmbedder

request = json.loads(sys.argv[1])
BATCH = 32


class Embed:
    def __init__(self):
        self.embedder = FaceEmbedder(request["models"], request["threads"])

    def __call__(self, batch):
        score, embedding, pose = self.embedder.embed(batch["path"].tolist())
        return {**batch, "score": score, "embedding": embedding, "pose": pose}


# Two actors take a core each; writing Parquet is light and must find a free slot beside them.
ray.init(num_cpus=request["actors"] + 2, include_dashboard=False, log_to_driver=False)
context = ray.data.DataContext.get_current()
context.enable_progress_bars = False
with open(request["list"], newline="") as file:
    photographs = list(csv.DictReader(file))
blocks = max(request["actors"], len(photographs) // (4 * BATCH))
(
    ray.data.from_items(photographs, override_num_blocks=blocks)
    .map_batches(
        Embed,
        batch_size=BATCH,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=request["actors"]),
    )
    .write_parquet(request["out"])
)
versions = {"ray": ray.__version__, "onnxruntime (Python)": onnxruntime.__version__}
print(json.dumps({"written": versions}), flush=True)
written = ray.data.read_parquet(request["out"]).select_columns(["score"])
faces = sum(int((batch["score"] > 0).sum()) for batch in written.iter_batches())
print(json.dumps({"faces": faces}), flush=True)
