"""The recurrent maze solver of Bansal et al. (2022), 783,504 parameters."""

from easy2hard import Recipe, Recurrent
from easy2hard.entry import TaskSpec
from easy2hard.models.dt import DT


def build(task: TaskSpec) -> Recurrent:
    return DT(task.in_channels, task.out_channels, width=128)


recipes = {
    "quick": Recipe(
        rows=1_000,
        epochs=1,
        batch_size=10,
        lr=1e-3,
        warmup=0.1,
        train_iterations=15,
        losses={"progressive": 1.0},
    ),
    "paper": Recipe(
        epochs=50,
        batch_size=50,
        lr=1e-3,
        weight_decay=2e-4,
        warmup=0.2,
        schedule="constant",
        train_iterations=30,
        losses={"fixed": 0.99, "progressive": 0.01},
        select="best",
    ),
}
