"""Writes a folder of people as tables with pyarrow and polars: embedded images as bytes and as Hugging Face's struct, and paths."""

import sys
from pathlib import Path

import polars
import pyarrow
from datasets import Dataset, load_from_disk
from pyarrow import ipc, parquet

folder, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
people = sorted(path for path in folder.iterdir() if path.is_dir())
photographs = [(person, file) for person in people for file in sorted(person.iterdir())]
# Not in the order of people: a listing must sort.
photographs = photographs[1::2] + photographs[::2]
names = [f"{person.name}/{file.name}" for person, file in photographs]
images = [file.read_bytes() for _, file in photographs]
labels = [people.index(person) for person, _ in photographs]
expressions = [file.stem for _, file in photographs]

embedded = pyarrow.table(
    {
        "face_id": names,
        "subject_id": [person.name for person, _ in photographs],
        "image": pyarrow.array(images, pyarrow.binary()),
        "expression": expressions,
        "age": pyarrow.array([30 + label if label % 2 else None for label in labels], pyarrow.int64()),
    }
)
# A page for each photograph and an index of the pages; two row groups.
parquet.write_table(
    embedded, out / "embedded.parquet", row_group_size=17, data_page_size=1, write_batch_size=1,
    write_page_index=True, compression="zstd", use_dictionary=["subject_id"],
)  # fmt: skip

# As `datasets` writes a column of the feature `Image`, with a ClassLabel beside it; no ids, several files, no page index.
struct = pyarrow.StructArray.from_arrays(
    [pyarrow.array(images, pyarrow.binary()), pyarrow.array(names)], names=["bytes", "path"]
)
hugging = pyarrow.table({"image": struct, "label": pyarrow.array(labels, pyarrow.int64())})
(out / "hugging").mkdir(exist_ok=True)
for part in range(2):
    rows = hugging.slice(part * 12, 12)
    parquet.write_table(rows, out / "hugging" / f"train-{part:05}-of-00002.parquet", row_group_size=5)

paths = pyarrow.table({"key": names, "label": [person.name for person, _ in photographs], "path": names})
parquet.write_table(paths, out / "paths.parquet")

with ipc.new_file(out / "embedded.arrow", embedded.schema) as writer:
    for batch in embedded.to_batches(max_chunksize=7):
        writer.write_batch(batch)
# Polars' own form of an Arrow file: views, and only its footer says where the messages lie.
polars.from_arrow(embedded).write_ipc(out / "polars.arrow", record_batch_size=7)
# A folder of Arrow streams beside files of its own.
Dataset(embedded).save_to_disk(out / "saved", num_shards=2)
# Results of work with it, which `datasets` leaves there too.
load_from_disk(out / "saved").map(lambda row: {"age": 1}).shuffle(seed=1)
assert len(list((out / "saved").glob("cache-*.arrow"))) > 0
print(f"tables: {len(names)} images of {len(people)} people in {out}, written by pyarrow {pyarrow.__version__}")
