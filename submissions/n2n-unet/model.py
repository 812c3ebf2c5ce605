"""The U-Net of Lehtinen et al. (2018), 991,203 parameters; it learns from noisy pairs alone."""

from torch import nn

from easy2hard import Recipe
from easy2hard.entry import TaskSpec
from easy2hard.models.unet import UNet


def build(task: TaskSpec) -> nn.Module:
    return UNet(task.in_channels)


quick = Recipe(
    rows=12_000,
    epochs=1,
    batch_size=4,
    lr=2e-3,
    warmup=0.1,
    train_iterations=1,
    losses={"noise2noise": 1.0},
)
paper = Recipe(
    epochs=30,
    batch_size=100,
    lr=3e-4,
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
