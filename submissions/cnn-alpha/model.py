"""The alpha sweep of Raman et al., table 2, for `cnn`: (1 - alpha) of the fixed loss, alpha of the progressive one."""

from easy2hard import Recipe, Recurrent
from easy2hard.entry import TaskSpec
from easy2hard.models.feedforward import FeedForward


def build(task: TaskSpec) -> Recurrent:
    return FeedForward(task.in_channels, task.out_channels, width=20, stages=5)


def losses(alpha: float) -> dict[str, float]:
    return {"fixed": 1 - alpha, "progressive": alpha}


quick = Recipe(rows=10_000, epochs=1, batch_size=5, lr=1.5e-3, warmup=0.1, clip=0.1, train_iterations=5)
paper = Recipe(epochs=20, batch_size=64, lr=1e-3, clip=1.0, train_iterations=5)
recipes = {
    **{f"alpha-{alpha:g}": quick.model_copy(update={"losses": losses(alpha)}) for alpha in (0, 0.5, 1)},
    **{f"paper-alpha-{alpha:g}": paper.model_copy(update={"losses": losses(alpha)}) for alpha in (0, 0.5, 1)},
}
