"""DT that corrects an image whose patches were shrunk in the cosine domain: 28,440 parameters."""

from easy2hard import Recipe, Recurrent
from easy2hard.entry import TaskSpec
from easy2hard.models.shrink import ShrinkDT

needs = ("level",)


def build(task: TaskSpec) -> Recurrent:
    return ShrinkDT(task.in_channels, task.out_channels, width=20)


losses = {"progressive": 1.0}
recipes = {
    "quick": Recipe(
        rows=10_000,
        epochs=1,
        batch_size=5,
        lr=1.5e-3,
        warmup=0.1,
        clip=2e-4,  # little is left to correct after shrinking, so gradients are this small
        train_iterations=5,
        horizon=10,
        losses=losses,
    ),
    "paper": Recipe(
        epochs=20,
        batch_size=50,
        lr=1.5e-3,
        warmup=0.1,
        clip=2e-4,
        train_iterations=5,
        horizon=10,
        losses=losses,
    ),
}
