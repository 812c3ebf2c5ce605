"""The largest things that a suite scores fit the memory of a small machine: the published maze net on huge mazes.

Minutes of CPU time each. The figure is the peak resident memory of a process of its own, torch and all.
"""

from typing import Any

import pytest
import ratio

MOST = 8.0  # GiB

PEAK = """
import resource, sys
import numpy as np
from easy2hard import entry, suite
from easy2hard.entry import TaskSpec
from easy2hard.models.recurrent import place
from easy2hard.score import score_batch
from easy2hard.tasks import open_task

level, rows = sys.argv[1], int(sys.argv[2])
task = open_task(suite.read("maze"))
spec = TaskSpec(task.name, task.in_channels, task.out_channels, "maze")
model = place(entry.load("dt-maze").build(spec), "cpu").eval()
x, target = task.tensors(task.draw("test", level, np.arange(rows)))
rows = score_batch(model, task, x, target, budgets=[1, 2], rules=["last", "convergence"], metrics=["solved"])
assert len(rows) == 4
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.parametrize(("level", "rows"), [("201", 8), ("801", 1)])
def test_the_peak_of_scoring_huge_mazes(benchmark: Any, capsys: Any, level: str, rows: int) -> None:
    (peak,) = ratio.in_new_process(PEAK, level, rows)
    benchmark.extra_info["gib"] = peak
    name = f"{rows} of maze {level}, width 128, 2 iterations: peak memory"
    ratio.say(capsys, f"{name:58} {peak:9.2f} GiB   target below {MOST:g} GiB")
    benchmark.pedantic(lambda: None)
    assert peak < MOST
