"""A maze solver that thinks on lattice points, trained by the progressive loss alone; 59,472 parameters."""

from easy2hard import Recipe, Recurrent
from easy2hard.entry import TaskSpec
from easy2hard.models.dt import LatticeDT


def build(task: TaskSpec) -> Recurrent:
    return LatticeDT(task.in_channels, task.out_channels, width=32)


recipes = {
    "quick": Recipe(
        rows=40_000,
        epochs=1.5,
        batch_size=25,
        lr=2e-3,
        warmup=0.05,
        train_iterations=30,
        losses={"progressive": 1.0},
    )
}
