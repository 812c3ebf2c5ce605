"""Rows as Parquet that the `datasets` library, pandas and a torch tensor read alike."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import compute

from easy2hard.tasks import I64, U8

Damaged = (pa.ArrowException, OSError, ValueError, KeyError)  # what reading a damaged file raises
_FOOTER = b"easy2hard"
_COMPRESSION: dict[str, Any] = {"compression": "zstd", "compression_level": 1}
_CHUNKS = int(pa.__version__.split(".")[0]) >= 21  # whether pyarrow can cut pages by their content


class Rows(NamedTuple):
    """The columns that a shard stores, names aside."""

    input: U8  # (n, bytes): PNG files of one length
    target: U8  # (n, bytes)
    indices: I64  # (n,)
    extra: dict[str, I64]  # (n,) each


def encode(rows: Rows, name: str, level: str, mask: bool, footer: Mapping[str, object]) -> pa.Buffer:
    """The bytes of a Parquet file with one row group.

    The ids are `name`, a hyphen and the index; `mask` says that the targets are masks; `footer` goes into the
    file's metadata.
    """
    indices = pa.array(rows.indices)
    digits = compute.utf8_lpad(indices.cast(pa.string()), 6, "0")
    columns = {
        "id": compute.binary_join_element_wise(name, digits, "-"),
        "level": pa.repeat(level, len(indices)),
        "index": indices,
        "input": _image_column(rows.input),
        "target": _image_column(rows.target),
        **{name: pa.array(values) for name, values in rows.extra.items()},
    }
    features = {"info": {"features": _features(list(rows.extra), mask)}}
    metadata = {b"huggingface": json.dumps(features), _FOOTER: json.dumps(footer, sort_keys=True)}
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table(columns).replace_schema_metadata(metadata),
        sink,
        row_group_size=len(indices),
        **_COMPRESSION,
        use_dictionary=["level"],
        write_statistics=["id", "level", "index", *rows.extra],  # the extremes of images would be images
        write_page_index=True,
        write_page_checksum=True,
        # A store of chunks keeps the clean images that all levels share once; mazes share nothing.
        **({"use_content_defined_chunking": True} if _CHUNKS and not mask else {}),
    )
    return sink.getvalue()


def footer(path: Path) -> dict[str, Any]:
    """What `encode` was given as footer, with the number of rows that the file really has as `stored`."""
    metadata = pq.read_metadata(path)
    content: dict[str, Any] = json.loads(metadata.metadata[_FOOTER])
    return {**content, "stored": metadata.num_rows}


def unpacked(path: Path) -> int:
    """The bytes that a file's columns take up when they are read."""
    metadata = pq.read_metadata(path)
    return sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))


def columns(path: Path) -> list[dict[str, Any]]:
    """A file's columns as the head of a dataset card names them."""
    features = json.loads(pq.read_schema(path).metadata[b"huggingface"])["info"]["features"]
    return [
        {
            "name": name,
            "dtype": kind["dtype"] if kind["_type"] == "Value" else {"image": {"mode": kind["mode"]}},
        }
        for name, kind in features.items()
    ]


def decode(path: Path) -> Rows:
    """The rows of a shard, its pages checked against their checksums; raises one of `Damaged`."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read()
    numbers = {
        name: np.asarray(table[name].to_numpy(), dtype=np.int64)
        for name in table.column_names
        if name not in ("id", "level", "input", "target")
    }
    return Rows(_files(table["input"]), _files(table["target"]), numbers.pop("index"), numbers)


def _features(extra: Sequence[str], mask: bool) -> dict[str, Any]:
    """The columns as `datasets` names their types."""
    word, number = ({"dtype": name, "_type": "Value"} for name in ("string", "int64"))
    picture, target = ({"mode": mode, "_type": "Image"} for mode in ("RGB", "L" if mask else "RGB"))
    fixed = {"id": word, "level": word, "index": number, "input": picture, "target": target}
    return {**fixed, **dict.fromkeys(extra, number)}


def _image_column(files: U8) -> pa.StructArray:
    """PNG files (n, bytes) as the column that `datasets` reads as images; the bytes are not copied."""
    n, size = files.shape
    offsets = np.arange(n + 1, dtype=np.int64) * size  # below 2^31: a shard's pixels are bounded
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(files.reshape(-1))]
    content = pa.Array.from_buffers(pa.binary(), n, buffers)
    return pa.StructArray.from_arrays([content, pa.nulls(n, pa.string())], ["bytes", "path"])


def _files(column: pa.ChunkedArray) -> U8:
    """The files (n, bytes) of an image column, a view where the column is in one piece."""
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    content = array.field("bytes")
    _, offsets, data = content.buffers()
    ends: NDArray[np.int32] = np.frombuffer(offsets, dtype=np.int32)[content.offset :][: len(content) + 1]
    sizes = np.unique(np.diff(ends))
    if content.type != pa.binary() or content.null_count or len(sizes) != 1:
        raise ValueError("the images of a shard must be files of one length")
    size = int(sizes[0])
    return np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]].reshape(len(content), size)
