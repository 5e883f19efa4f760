"""Trains a classifier head on a run's embeddings, with and without the generated ones, and tests it on held-out real faces.

    python train_head.py OUT [--train 1] [--splits 10]        OUT: a folder

Each split keeps `--train` real faces of every person for training and tests on the others. A variant is used only when
the face it was made from is among those kept. Which poses a person's variants have was still chosen by a run that saw
all faces, and so was the similarity gate: a small favour to the variants. People with too few faces are left out.

What it prints is about the people of this run: whether variants help depends on the recogniser, the model and the poses
(docs/science.md of posecast: those shipped do not help on real turned faces). Measure before you train on them.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy
import pyarrow
from pyarrow import compute, dataset, parquet
from sklearn.linear_model import LogisticRegression

# A face or two a person is what this is about.
warnings.filterwarnings("ignore", message="The number of unique classes is greater than 50%")


def read_rows(out: str) -> tuple[pyarrow.Table, numpy.ndarray, numpy.ndarray]:
    """The rows of a run, their embeddings as rows × D float32, and their class_index."""
    root = Path(out)
    manifest = json.loads((root / "manifest.json").read_text())
    files = [str(root / entry["key"]) for entry in manifest["files"] if entry["kind"] == "data"]
    table_format = "parquet" if manifest["table"]["format"] == "parquet" else "ipc"
    columns = ["face_id", "subject_id", "kind", "source_face_id", "embedding"]
    rows = dataset.dataset(files, format=table_format).to_table(columns=columns)
    embeddings = rows.column("embedding").combine_chunks()
    matrix = embeddings.flatten().to_numpy().reshape(len(rows), -1).astype(numpy.float32)
    people = parquet.read_table(root / manifest["subjects"]["key"], columns=["subject_id", "class_index"])
    position = compute.index_in(rows.column("subject_id"), people.column("subject_id").combine_chunks())
    return rows, matrix, people.column("class_index").to_numpy()[position.to_numpy()]


def split_faces(real: numpy.ndarray, labels: numpy.ndarray, train: int, random: numpy.random.Generator):
    """Rows to train on and rows to test on, of people who have more than `train` real faces."""
    kept, tested = [], []
    for label in numpy.unique(labels[real]):
        rows = random.permutation(real[labels[real] == label])
        if len(rows) > train:
            kept.extend(rows[:train])
            tested.extend(rows[train:])
    return numpy.array(kept), numpy.array(tested)


def accuracy(matrix: numpy.ndarray, labels: numpy.ndarray, train: numpy.ndarray, test: numpy.ndarray) -> float:
    # Unit vectors carry their meaning in their direction: a large C lets the head use it.
    head = LogisticRegression(C=100.0, max_iter=1000).fit(matrix[train], labels[train])
    return float(head.score(matrix[test], labels[test]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--train", type=int, default=1, help="real faces of a person to train on")
    parser.add_argument("--splits", type=int, default=10)
    options = parser.parse_args()

    rows, matrix, labels = read_rows(options.out)
    face_ids = rows.column("face_id").to_numpy(zero_copy_only=False)
    sources = rows.column("source_face_id").to_numpy(zero_copy_only=False)
    is_real = rows.column("kind").to_numpy(zero_copy_only=False) == "real"
    real, augmented = numpy.flatnonzero(is_real), numpy.flatnonzero(~is_real)

    without, with_variants, used = [], [], []
    for seed in range(options.splits):
        train, test = split_faces(real, labels, options.train, numpy.random.default_rng(seed))
        if len(test) == 0:
            raise SystemExit(f"nobody has more than {options.train} real faces: nothing to test on")
        variants = augmented[numpy.isin(sources[augmented], face_ids[train])]
        without.append(accuracy(matrix, labels, train, test))
        with_variants.append(accuracy(matrix, labels, numpy.concatenate([train, variants]), test))
        used.append(len(variants))

    people = len(numpy.unique(labels[train]))
    print(f"{people} people, {len(train)} real faces to train on, {len(test)} to test on, {options.splits} splits")
    print(f"  without variants  {100 * numpy.mean(without):5.1f} %  ± {100 * numpy.std(without):.1f}")
    print(f"  with variants     {100 * numpy.mean(with_variants):5.1f} %  ± {100 * numpy.std(with_variants):.1f}   ({numpy.mean(used):.0f} of them)")
    gain = 100 * (numpy.mean(with_variants) - numpy.mean(without))
    print(f"  difference        {gain:+5.1f} points on people whom this run has seen; nothing is said about others")


if __name__ == "__main__":
    main()
