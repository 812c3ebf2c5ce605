"""CSCNet, 63,700 parameters; it trains on 8 of the 64 shifts and answers with all."""

from easy2hard import Recipe, Recurrent
from easy2hard.entry import TaskSpec
from easy2hard.models.cscnet import CSCNet


def build(task: TaskSpec) -> Recurrent:
    return CSCNet(thrifty=True)


quick = Recipe(rows=5_000, epochs=1, batch_size=2, lr=2e-3, warmup=0.1, train_iterations=11)
recipes = {
    "quick": quick,
    "progressive": quick.model_copy(update={"losses": {"fixed": 0.5, "progressive": 0.5}}),
    "paper": Recipe(epochs=20, batch_size=5, lr=2e-4, clip=None, train_iterations=11),
}
