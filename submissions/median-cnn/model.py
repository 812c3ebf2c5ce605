"""The median CNN of Liang et al., its medians as their paper describes them; 3,563,011 parameters."""

from torch import nn

from easy2hard import Recipe
from easy2hard.entry import TaskSpec
from easy2hard.models.median_cnn import MedianCNN


def build(task: TaskSpec) -> nn.Module:
    return MedianCNN(task.in_channels)


recipes = {
    "quick": Recipe(rows=1_000, epochs=1, batch_size=4, lr=1e-3, warmup=0.1, train_iterations=1),
    "paper": Recipe(epochs=20, batch_size=16, lr=1e-3, train_iterations=1),
}
