"""A finished run as a PyTorch Dataset, and a few steps of training a linear head on it.

    python torch_dataset.py OUT [--kinds real augmented]        OUT: a folder; `--format arrow` is mapped, not read

PyTorch is not among the pinned requirements (it takes gigabytes): pip install torch, or the CPU build of
https://download.pytorch.org/whl/cpu.
"""

import argparse
import json
from pathlib import Path

import numpy
import pyarrow
import torch
from pyarrow import ipc, parquet
from torch.utils.data import DataLoader, Dataset


class RunEmbeddings(Dataset):
    """(embedding of D float32, class_index) of every row of the kinds asked for.

    Arrow files stay mapped: processes of a DataLoader share their pages. Parquet files are decoded into memory.
    """

    def __init__(self, out: str, kinds: tuple[str, ...] = ("real", "augmented")) -> None:
        self.root = Path(out)
        self.manifest = json.loads((self.root / "manifest.json").read_text())
        people = parquet.read_table(self.root / self.manifest["subjects"]["key"], columns=["subject_id", "class_index"])
        labels = dict(zip(people.column("subject_id").to_pylist(), people.column("class_index").to_pylist()))
        self.num_classes = len(labels)
        self.matrices: list[numpy.ndarray] = []
        places, row_labels = [], []
        for entry in self.manifest["files"]:
            if entry["kind"] != "data":
                continue
            for batch in self._batches(str(self.root / entry["key"])):
                embedding = batch.column("embedding")
                matrix = embedding.flatten().to_numpy(zero_copy_only=True).reshape(len(batch), -1)
                chosen = numpy.flatnonzero(numpy.isin(batch.column("kind").to_numpy(zero_copy_only=False), kinds))
                subjects = batch.column("subject_id").to_pylist()
                places.append(numpy.stack([numpy.full(len(chosen), len(self.matrices)), chosen], axis=1))
                row_labels.append(numpy.array([labels[subjects[row]] for row in chosen], numpy.int64))
                self.matrices.append(matrix)
        self.places = numpy.concatenate(places)
        self.labels = numpy.concatenate(row_labels)

    def _batches(self, path: str) -> list[pyarrow.RecordBatch]:
        if self.manifest["table"]["format"] == "parquet":
            return parquet.read_table(path, columns=["subject_id", "kind", "embedding"]).to_batches()
        reader = ipc.open_file(pyarrow.memory_map(path))
        return [reader.get_batch(i) for i in range(reader.num_record_batches)]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        matrix, row = self.places[index]
        # The copy: a mapped page is read-only, and a tensor is not.
        return torch.from_numpy(self.matrices[matrix][row].astype(numpy.float32)), int(self.labels[index])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--kinds", nargs="+", default=["real", "augmented"])
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()

    torch.manual_seed(0)
    rows = RunEmbeddings(options.out, tuple(options.kinds))
    dim = rows.manifest["table"]["embeddingDim"]
    head = torch.nn.Linear(dim, rows.num_classes, bias=False)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    loader = DataLoader(rows, batch_size=64, shuffle=True, num_workers=2)
    for epoch in range(options.epochs):
        losses = []
        for embeddings, labels in loader:
            # Cosines to the people's directions, as in NormFace; 16 is its scale.
            loss = torch.nn.functional.cross_entropy(
                16 * embeddings @ torch.nn.functional.normalize(head.weight, dim=1).T, labels
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if epoch in (0, options.epochs - 1):
            print(f"epoch {epoch + 1}: loss {numpy.mean(losses):.3f}")
    print(f"PyTorch {torch.__version__}: {len(rows)} rows of {dim} values, {rows.num_classes} people")


if __name__ == "__main__":
    main()
