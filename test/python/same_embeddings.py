"""Whether two runs hold the same real embeddings, whatever their faces and people are called."""

import json
import sys
from pathlib import Path

import numpy
from pyarrow import dataset


def real_embeddings(out: Path) -> numpy.ndarray:
    files = json.loads((out / "manifest.json").read_text())["files"]
    table = dataset.dataset([str(out / entry["key"]) for entry in files if entry["kind"] == "data"]).to_table()
    rows = table.filter(dataset.field("kind") == "real")
    matrix = numpy.stack(rows.column("embedding").to_numpy())
    people = numpy.array(rows.column("subject_id").to_pylist())
    return matrix[numpy.argsort(matrix[:, 0])], people[numpy.argsort(matrix[:, 0])]


(expected, who), (found, called) = (real_embeddings(Path(path)) for path in sys.argv[1:3])
assert expected.shape == found.shape, (expected.shape, found.shape)
assert numpy.abs(expected - found).max() <= 1e-5, numpy.abs(expected - found).max()
assert len(set(zip(who, called))) == len(set(who)) == len(set(called)), "people differ"
print(f"{sys.argv[2]}: the same {len(found)} embeddings of {len(set(called))} people")
