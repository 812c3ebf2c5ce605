"""A denoiser on modules of our own, 17,763 parameters: NumPy alone, forward and backward by hand."""

from easy2hard import Recipe
from easy2hard.entry import TaskSpec
from easy2hard.models.own_modules import OwnModules


def build(task: TaskSpec) -> OwnModules:
    return OwnModules()


quick = Recipe(
    rows=40_000,
    epochs=2,
    batch_size=4,
    optimizer="sgd",
    lr=2.0,
    momentum=0.0,
    schedule="constant",
    clip=None,
    train_iterations=1,
    losses={"noise2noise": 1.0},
)
paper = quick.model_copy(update={"epochs": 10.0, "lr": 0.05, "fresh": False})
clean = {"losses": {"fixed": 1.0}}
recipes = {
    "quick": quick,
    "clean": quick.model_copy(update=clean),
    "paper": paper,
    "paper-clean": paper.model_copy(update=clean),
}
