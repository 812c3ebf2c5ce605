"""A look at the first thought on a few easy images, before and after training: is it an answer at all?"""

import numpy as np
import torch
from torch import Tensor

from easy2hard.errors import UserError
from easy2hard.evaluation.raised import check_it, told
from easy2hard.evaluation.run import Run
from easy2hard.models.recurrent import Recurrent
from easy2hard.score import checked

_LOOKED_AT = 4  # samples of the easy validation split


def refuse_nonsense(run: Run, model: Recurrent) -> None:
    """Raise `UserError` for an answer of another form, or of NaN, before anything is trained for hours.

    Weights that were given are loaded later; what they answer is looked at by `fault`.
    """
    if bool(_first_thought(run, model, "cpu").isnan().any()) and not run.ask.weights:
        raise UserError(
            f"{run.entry.name} answers with NaN before it is trained; look at divisions and the initialisation, and "
            f"{check_it(run.entry)}."
        )


def fault(run: Run, model: Recurrent, *, learnt: bool) -> str | None:
    """What is wrong with a model whose first thought at the easy level is not a number: its training failed.

    Raises `UserError` where it was not trained here. No test sample is looked at.
    """
    if bool(torch.isfinite(_first_thought(run, model, run.ask.device)).all()):
        return None
    said = f"{run.entry.name} answers with NaN or infinity at level {run.train_levels[0]}"
    if not learnt:
        raise UserError(f"{said}; look at divisions and the weights, and {check_it(run.entry)}.")
    return f"after its training {said}"


@torch.inference_mode()
def _first_thought(run: Run, model: Recurrent, device: str) -> Tensor:
    """The answer after one iteration; `UserError` for one of another shape or dtype, or a chance that is none."""
    level = run.train_levels[0]
    model.tell(level)
    images, _ = run.task.tensors(run.task.draw("validation", level, np.arange(_LOOKED_AT, dtype=np.int64)))
    x = images.to(device, memory_format=torch.channels_last)
    with told(run.entry, f"on images {tuple(x.shape)}", always=True):
        state = model.step(model.encode(x), model.recall(x), 0)
        model.halting(state, x)
        return checked(model.decode(state, x), run.task, x)
