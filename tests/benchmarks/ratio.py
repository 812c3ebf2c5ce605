"""Two ways of the same thing, timed side by side: ours and the straightforward one, in turns, in one process.

The figure is the median of the ratios of neighbouring turns, in CPU time, so that other jobs on the machine hit both.
No speed is asserted: a target stands beside what was measured, and tests assert that both ways give the same results.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

import torch

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """CPU time, all threads of the process together."""
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(
    benchmark: Any,
    capsys: Any,
    name: str,
    ours: Work,
    other: Work,
    *,
    target: float | None,
    turns: int = 5,
    samples: tuple[int, int] | None = None,
) -> float:
    """Print and store both times and how many times dearer the other way is, beside the target.

    Both have run before, to compare their results: what is compiled or allocated once is not in the figures. They
    do the same in ms, or as many `samples` as given, in us a sample.
    """
    unit, scales = ("ms", (1e3, 1e3)) if samples is None else ("us", tuple(1e6 / n for n in samples))
    pairs = [(scales[0] * seconds(ours), scales[1] * seconds(other)) for _ in range(turns)]
    ratios = sorted(theirs / mine for mine, theirs in pairs)
    mine, theirs = (median(times) for times in zip(*pairs, strict=True))
    ratio = median(ratios)
    benchmark.extra_info.update({f"ours_{unit}": mine, f"other_{unit}": theirs}, ratio=ratio, target=target)
    benchmark.pedantic(ours, rounds=1)
    wanted = "" if target is None else f"   target {target:g} x"
    say(
        capsys,
        f"{name:58} {mine:9.{_digits(mine)}f} {unit} {theirs:9.1f} {unit} "
        f"{ratio:7.{_digits(ratio)}f} x [{ratios[0]:.{_digits(ratio)}f}..{ratios[-1]:.{_digits(ratio)}f}]{wanted}",
    )
    return ratio


def _digits(number: float) -> int:
    """How many decimals tell such a number well enough."""
    return 3 if number < 1 else 2 if number < 10 else 1 if number < 100 else 0


def say(capsys: Any, line: str) -> None:
    """Print past pytest's capture."""
    with capsys.disabled():
        print("\n" + line, end=" ")


def peak_bytes(work: Work) -> int:
    """The most memory that tensors allocated by `work` take at one time, as torch's allocator tells its profiler."""
    work()  # what is allocated once does not count
    with torch.profiler.profile(profile_memory=True) as profile:
        work()
    events = profile.profiler.kineto_results.events()  # the public tables only sum them up
    changes = [event.nbytes() for event in events if event.name() == "[memory]"]
    return max(accumulate(changes))


def in_new_process(code: str, *arguments: object) -> list[float]:
    """The numbers that `code` prints; what came before in this process (memory, settings) does not touch it."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    here = Path(__file__).parent  # so that `code` can import the files beside this one
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [float(word) for word in done.stdout.split()]
