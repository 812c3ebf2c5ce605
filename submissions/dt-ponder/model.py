"""DT that learns when to stop, by the loss of PonderNet; 27,381 parameters."""

from easy2hard import Recipe, Recurrent
from easy2hard.entry import TaskSpec
from easy2hard.models.ponder import PonderDT


def build(task: TaskSpec) -> Recurrent:
    return PonderDT(task.in_channels, task.out_channels, width=20)


paper = Recipe(
    epochs=20,
    batch_size=64,
    lr=1e-3,
    train_iterations=10,
    losses={"ponder": 1.0},
    options={"ponder": {"prior": 0.2, "beta": 1e-4}},
    answer="halt",
)
short = {"rows": 10_000, "epochs": 1, "batch_size": 5, "lr": 1.5e-3, "warmup": 0.1, "clip": 0.1}
recipes = {"quick": paper.model_copy(update=short), "paper": paper}
