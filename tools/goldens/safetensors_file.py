"""Reads and writes safetensors files of 32-bit floats and integers, so that the scripts need no package."""

import json
import numpy as np

DTYPES = {"F32": "<f4", "I32": "<i4"}


def write(path, tensors, metadata):
    """Writes named numpy arrays, and metadata."""
    header, data = {"__metadata__": metadata}, b""
    for name, array in tensors.items():
        dtype = "I32" if array.dtype.kind in "iu" else "F32"
        raw = np.ascontiguousarray(array).astype(DTYPES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + data)


def read(path):
    """Returns the named numpy arrays, and the metadata."""
    with open(path, "rb") as file:
        raw = file.read()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        array = np.frombuffer(raw[start + first:start + last], DTYPES[entry["dtype"]])
        tensors[name] = array.reshape(entry["shape"]).copy()
    return tensors, metadata
