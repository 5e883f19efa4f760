"""Writes the sample corpus as WebDataset archives with webdataset's own writer, and reads them back with its reader."""

import sys
from pathlib import Path

import webdataset

corpus, out = Path(sys.argv[1]), Path(sys.argv[2])
people = sorted(path.name for path in corpus.iterdir() if path.is_dir())
photographs = [(person, path) for person in people for path in sorted((corpus / person).glob("*.jpg"))]

# What names the person, as users of webdataset and img2dataset do it.
forms = {
    "cls": lambda person, path: {"__key__": f"{person}-{path.stem}", "cls": people.index(person)},
    "json": lambda person, path: {
        "__key__": f"{person}-{path.stem}",
        "json": {"subject_id": person, "width": 112},
        "txt": "a caption",
    },
    "folder": lambda person, path: {"__key__": f"{person}/{path.stem}"},
    "key": lambda person, path: {"__key__": f"{person}__{path.stem}"},
}
for name, sample in forms.items():
    out.mkdir(parents=True, exist_ok=True)
    with webdataset.ShardWriter(str(out / f"{name}-%06d.tar"), maxcount=10, verbose=0) as writer:
        for person, path in photographs:
            writer.write({**sample(person, path), "jpg": path.read_bytes()})
    shards = sorted(out.glob(f"{name}-*.tar"))
    pattern = str(out / f"{name}-{{000000..{len(shards) - 1:06d}}}.tar")
    read = list(webdataset.WebDataset(pattern, shardshuffle=False))
    assert len(read) == len(photographs), (name, len(read))
    print(f"webdataset {webdataset.__version__}: {len(read)} samples in {len(shards)} shards, people by {name}")
