"""Writes a folder of people as a RecordIO archive of InsightFace, with MXNet's own C library; nothing of posecast.

The framing is libmxnet's (MXRecordIOWriterCreate, MXRecordIOWriterWriteRecord, MXRecordIOWriterTell); the header is that
of mxnet.recordio.pack (struct IfQQ); the index and the identity records are those of InsightFace's dir2rec.py. The
package `mxnet` itself is not imported: it does not start with today's numpy.
"""

import ctypes
import importlib.util
import struct
import sys
from pathlib import Path

folder, stem = Path(sys.argv[1]), Path(sys.argv[2])
package = Path(importlib.util.find_spec("mxnet").origin).parent
for needed in ("libgfortran.so.3", "libopenblas.so.0"):
    if (package / needed).exists():
        ctypes.CDLL(str(package / needed), ctypes.RTLD_GLOBAL)
library = ctypes.CDLL(str(package / "libmxnet.so"))
library.MXGetLastError.restype = ctypes.c_char_p


def checked(status: int) -> None:
    assert status == 0, library.MXGetLastError().decode()


MAGIC = struct.pack("<I", 0xCED7230A)


def pack(label: float | list[float], key: int, image: bytes) -> bytes:
    labels = label if isinstance(label, list) else []
    header = struct.pack("IfQQ", len(labels), 0.0 if labels else label, key, 0)
    return header + struct.pack(f"{len(labels)}f", *labels) + image


people = sorted(path for path in folder.iterdir() if path.is_dir())
records: list[bytes] = []
ranges: list[list[float]] = []
for label, person in enumerate(people):
    start = len(records) + 1
    for photograph in sorted(person.iterdir()):
        image = photograph.read_bytes()
        # A record of several parts: the magic word after the end of the image, at a multiple of four.
        if label == 0:
            image += b"\0" * (-len(image) % 4) + MAGIC + MAGIC + b"x"
        # Both forms of a label: alone, and the first of an array.
        records.append(pack(float(label) if label % 2 == 0 else [float(label), 0.5], len(records) + 1, image))
    ranges.append([float(start), float(len(records) + 1)])
first = len(records) + 1
identities = [pack(span, first + i, b"") for i, span in enumerate(ranges)]
header = pack([float(first), float(first + len(identities))], 0, b"")

handle = ctypes.c_void_p()
checked(library.MXRecordIOWriterCreate(f"{stem}.rec".encode(), ctypes.byref(handle)))
lines: list[str] = []
for key, content in enumerate([header, *records, *identities]):
    position = ctypes.c_size_t()
    checked(library.MXRecordIOWriterTell(handle, ctypes.byref(position)))
    lines.append(f"{key}\t{position.value}\n")
    checked(library.MXRecordIOWriterWriteRecord(handle, content, ctypes.c_size_t(len(content))))
checked(library.MXRecordIOWriterFree(handle))
Path(f"{stem}.idx").write_text("".join(lines))
print(f"RecordIO: {len(records)} images of {len(people)} people in {stem}.rec, written by libmxnet")
