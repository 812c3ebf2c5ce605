"""model3 of a Noise2Noise course project, 1,827 parameters; it learns from noisy pairs alone."""

from torch import nn

from easy2hard import Recipe
from easy2hard.entry import TaskSpec
from easy2hard.models.n2n import net


def build(task: TaskSpec) -> nn.Module:
    return net("model3")


quick = Recipe(
    rows=40_000,
    epochs=2,
    batch_size=20,
    lr=3e-3,
    warmup=0.1,
    train_iterations=1,
    losses={"noise2noise": 1.0},
)
paper = Recipe(
    epochs=30,
    batch_size=100,
    lr=1e-3,
    schedule="constant",
    clip=None,
    fresh=False,
    train_iterations=1,
    losses={"noise2noise": 1.0},
)
clean = {"losses": {"fixed": 1.0}}
recipes = {
    "quick": quick,
    "clean": quick.model_copy(update=clean),
    "paper": paper,
    "paper-clean": paper.model_copy(update=clean),
}
