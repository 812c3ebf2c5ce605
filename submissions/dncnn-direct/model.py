"""DnCNN that answers with the image itself, not with the noise; 669,312 parameters."""

from torch import nn

from easy2hard import Recipe
from easy2hard.entry import TaskSpec
from easy2hard.models.dncnn import DnCNN


def build(task: TaskSpec) -> nn.Module:
    return DnCNN(task.in_channels, depth=20, width=64, residual=False)


recipes = {
    "quick": Recipe(rows=8_000, epochs=1, batch_size=4, lr=1e-3, warmup=0.1, train_iterations=1),
    "paper": Recipe(epochs=20, batch_size=128, lr=1e-3, train_iterations=1),
}
