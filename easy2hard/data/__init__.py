"""Data: a suite as files that any tool reads, as tensors, or as an endless stream. The same bits each time.

`generate` writes `<out>/<suite>/<level>/<split>/part-<first index>.parquet`; `load` reads them, or draws
in memory, into torch tensors; `stream` draws on the fly. Generating loads no torch.
"""

from typing import TYPE_CHECKING, Any

from easy2hard.data.digests import level_digest
from easy2hard.data.manifest import Overlap
from easy2hard.data.reading import Samples, load
from easy2hard.data.report import Report, SplitReport
from easy2hard.data.writing import generate

if TYPE_CHECKING:
    from easy2hard.data.streaming import Stream, check_pairs, stream

__all__ = [
    "Overlap",
    "Report",
    "Samples",
    "SplitReport",
    "Stream",
    "check_pairs",
    "generate",
    "level_digest",
    "load",
    "stream",
]


def __getattr__(name: str) -> Any:
    if name in ("Stream", "check_pairs", "stream"):  # a subclass of a torch class, so torch is loaded with it
        from easy2hard.data import streaming

        return getattr(streaming, name)
    raise AttributeError(f"module 'easy2hard.data' has no attribute '{name}'")
