"""A finished run in LanceDB, and the nearest neighbours of a face.

    python lance_neighbours.py OUT DATABASE      OUT: a folder; DATABASE: a folder that is made

The embedding column is a fixed-size list of float32 (or float16), which LanceDB takes as a vector column as it is.
"""

import json
import sys
from pathlib import Path

import lancedb
from pyarrow import dataset


def main(out: str, database: str) -> None:
    root = Path(out)
    manifest = json.loads((root / "manifest.json").read_text())
    files = [str(root / entry["key"]) for entry in manifest["files"] if entry["kind"] == "data"]
    table_format = "parquet" if manifest["table"]["format"] == "parquet" else "ipc"
    rows = dataset.dataset(files, format=table_format)

    # Batch by batch: a run need not fit in memory. Not `landmarks`: variants have none, and LanceDB wants whole vectors.
    columns = ["face_id", "subject_id", "kind", "source_face_id", "yaw", "pitch", "similarity", "embedding"]
    reader = rows.scanner(columns=columns).to_reader()
    faces = lancedb.connect(database).create_table("faces", reader, mode="overwrite")
    assert faces.count_rows() == manifest["totals"]["rows"], faces.count_rows()
    # From some 100,000 rows on an index pays: faces.create_index(metric="cosine", vector_column_name="embedding")

    probe = faces.search().where("kind = 'real'").limit(1).to_list()[0]
    found = (
        faces.search(probe["embedding"], vector_column_name="embedding")
        .distance_type("cosine")
        .where("kind = 'real'", prefilter=True)
        .limit(3)
        .select(["face_id", "subject_id", "_distance"])
        .to_list()
    )
    print(f"LanceDB: {faces.count_rows()} rows; nearest to {probe['face_id']}:")
    for row in found:
        print(f"  {row['face_id']:24} {1 - row['_distance']:.3f}")
    assert found[0]["face_id"] == probe["face_id"] and found[0]["_distance"] < 1e-3, found[0]
    person = probe["subject_id"].replace("'", "''")  # as SQL writes O'Brien
    photographs = faces.count_rows(f"kind = 'real' AND subject_id = '{person}'")
    if photographs > 1:
        assert found[1]["subject_id"] == probe["subject_id"], found[1]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python lance_neighbours.py OUT DATABASE")
    main(sys.argv[1], sys.argv[2])
