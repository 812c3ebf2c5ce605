"""LIDIA of Vaksman, Elad and Milanfar, the grey net on each channel alone; 61,589 parameters."""

from torch import nn

from easy2hard import Recipe
from easy2hard.entry import TaskSpec
from easy2hard.models.lidia import Lidia


def build(task: TaskSpec) -> nn.Module:
    return Lidia()


recipes = {
    "quick": Recipe(rows=250, epochs=1, batch_size=1, lr=1e-2, warmup=0.1, train_iterations=1),
    "paper": Recipe(epochs=10, batch_size=4, lr=1e-2, train_iterations=1),
}
