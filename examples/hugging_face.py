"""A finished run as a Hugging Face dataset, in memory-mapped form and as a stream.

    python hugging_face.py OUT          OUT: a folder, written as Parquet
"""

import glob
import json
import sys
import tempfile
from pathlib import Path

from datasets import ClassLabel, load_dataset
from pyarrow import parquet


def main(out: str) -> None:
    root = Path(out)
    manifest = json.loads((root / "manifest.json").read_text())
    # Names of files are taken for patterns.
    files = [glob.escape(str(root / entry["key"])) for entry in manifest["files"] if entry["kind"] == "data"]

    # subjects.parquet is in class_index order, so that the position of a name is its number.
    names = parquet.read_table(root / manifest["subjects"]["key"], columns=["subject_id"]).column(0).to_pylist()
    people = ClassLabel(names=names)

    with tempfile.TemporaryDirectory() as cache:  # yours: leave cache_dir out
        faces = load_dataset("parquet", data_files=files, split="train", cache_dir=cache)
        # A name that no column of a run has: labels of the corpus are called as the corpus calls them.
        faces = faces.add_column("class_index", [people.str2int(name) for name in faces["subject_id"]])
        faces = faces.cast_column("class_index", people)
        real = faces.filter(lambda kind: kind == "real", input_columns="kind")
        # Its numpy format wants every list present: landmarks of variants are null, so name the columns.
        batch = real.select_columns(["embedding", "class_index"]).with_format("numpy")[:32]
        assert batch["embedding"].shape[1] == manifest["table"]["embeddingDim"], batch["embedding"].shape
        assert (len(faces), len(real)) == (manifest["totals"]["rows"], manifest["totals"]["ok"])
        print(f"Hugging Face datasets: {len(faces)} rows, {len(real)} of them real, {people.num_classes} people")

    stream = load_dataset("parquet", data_files=files, split="train", streaming=True)
    first = next(iter(stream.select_columns(["face_id", "kind"])))
    print(f"streamed: {first['face_id']} ({first['kind']})")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python hugging_face.py OUT")
    main(sys.argv[1])
