"""DT that fills lost pixels from their neighbours, again and again: 27,720 parameters."""

from easy2hard import Recipe, Recurrent
from easy2hard.entry import TaskSpec
from easy2hard.models.interpolate import InterpolateDT


def build(task: TaskSpec) -> Recurrent:
    return InterpolateDT(task.in_channels, task.out_channels, width=20)


losses = {"progressive": 1.0}
recipes = {
    "quick": Recipe(
        rows=10_000,
        epochs=1,
        batch_size=5,
        lr=1.5e-3,
        warmup=0.1,
        clip=3e-4,  # few pixels are holes and little is left to correct, so gradients are this small
        train_iterations=10,
        horizon=20,
        losses=losses,
    ),
    "paper": Recipe(
        epochs=20,
        batch_size=50,
        lr=1.5e-3,
        warmup=0.1,
        clip=3e-4,
        train_iterations=10,
        horizon=20,
        losses=losses,
    ),
}
