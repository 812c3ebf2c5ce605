"""The local store that `hf_xet` keeps behind a `local://` address: which files are in it, and their content.

A shard (`.mdb`) lists files: after a header of 48 bytes, for each file an entry with its Xet hash, flags and the number
of its segments, then 48 bytes a segment, as many for verification where flag 31 is set, and 48 bytes that begin with
its SHA-256 where flag 30 is set; an entry of all ones ends the list.
"""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

_ENTRY = 48


class Stored(NamedTuple):
    """A file in the store."""

    hash: str  # Xet's own
    sha256: str
    size: int


def find(store: Path, sha256: str) -> Stored | None:
    """The file with this hash."""
    shards = store.glob("xet/xorbs/shards/*.mdb")
    return next(
        (one for shard in shards for one in _listed(shard.read_bytes()) if one.sha256 == sha256), None
    )


def read(store: Path, stored: Stored) -> bytes:
    """The content of a file, put together from its chunks by `hf_xet` itself."""
    import hf_xet

    with TemporaryDirectory() as folder:
        place = Path(folder) / "file"
        with hf_xet.XetSession().new_file_download_group(endpoint=f"local://{store}") as group:
            group.start_download_file(hf_xet.XetFileInfo(stored.hash, stored.size), str(place))
        return place.read_bytes()


def _listed(shard: bytes) -> Iterator[Stored]:
    at = _ENTRY
    while shard[at : at + 32] != b"\xff" * 32:
        flags, count = _number(shard, at + 32), _number(shard, at + 36)
        size = sum(_number(shard, at + _ENTRY * part + 36) for part in range(1, count + 1))
        own, at = _hash(shard, at), at + _ENTRY * (1 + count)
        at += _ENTRY * count * (flags >> 31 & 1)
        if flags >> 30 & 1:
            yield Stored(own, _hash(shard, at), size)
            at += _ENTRY


def _number(shard: bytes, at: int) -> int:
    return int.from_bytes(shard[at : at + 4], "little")


def _hash(shard: bytes, at: int) -> str:
    """A hash as it is written: four little-endian words of 64 bits in hexadecimal."""
    return "".join(
        f"{int.from_bytes(shard[word : word + 8], 'little'):016x}" for word in range(at, at + 32, 8)
    )
