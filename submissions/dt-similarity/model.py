"""DT trained with the similarity loss of Raman et al. as well."""

from easy2hard import Recipe, Recurrent
from easy2hard.entry import TaskSpec
from easy2hard.models.dt import DT


def build(task: TaskSpec) -> Recurrent:
    return DT(task.in_channels, task.out_channels, width=20)


losses = {"fixed": 1.0, "similarity": 0.08}
recipes = {
    "quick": Recipe(
        rows=10_000,
        epochs=1,
        batch_size=5,
        lr=1.5e-3,
        warmup=0.1,
        clip=0.1,
        train_iterations=5,
        losses=losses,
    ),
    "paper": Recipe(epochs=20, batch_size=64, lr=1e-3, clip=1.0, train_iterations=5, losses=losses),
}
