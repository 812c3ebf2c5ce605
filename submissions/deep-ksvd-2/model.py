"""Deep K-SVD of 2 stages, 53,891 parameters."""

from easy2hard import Recipe, Recurrent
from easy2hard.entry import TaskSpec
from easy2hard.models.deep_ksvd import DeepKSVD


def build(task: TaskSpec) -> Recurrent:
    return DeepKSVD(stages=2)


quick = Recipe(rows=2_000, epochs=1, batch_size=2, lr=3e-3, warmup=0.1, train_iterations=7)
recipes = {
    "quick": quick,
    "progressive": quick.model_copy(update={"losses": {"fixed": 0.5, "progressive": 0.5}}),
    "paper": Recipe(epochs=20, batch_size=5, lr=1e-4, schedule="constant", clip=None, train_iterations=7),
}
