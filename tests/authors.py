"""The files in which authors publish weights: names and forms of their code, and numbers that tell tensors apart."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]

CSCNET: Shapes = {
    "apply_A.weight": (175, 1, 11, 11),
    "apply_B.weight": (175, 1, 11, 11),
    "apply_C.weight": (175, 1, 11, 11),
    "soft_threshold.threshold": (1, 175, 1, 1),
}


def deep_ksvd(stages: int) -> Shapes:
    """Of a deep K-SVD; with three stages as the authors' class would have them if it could run."""
    shapes: Shapes = {"Dict": (64, 256), "c": (1,)}
    for stage in range(1, stages + 1):
        shapes["w" if stages == 1 else f"w_{stage}"] = (64,)
        for layer, (outputs, inputs) in enumerate([(128, 64), (64, 128), (32, 64), (1, 32)], start=1):
            name = f"linear{layer}" + (f"_{stage}" if stage > 1 else "")
            shapes |= {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
    return shapes


def dncnn() -> Shapes:
    """Of the colour DnCNN, its batch norms taken into the convolutions."""
    shapes: Shapes = {}
    for place, (inputs, outputs) in enumerate(pairwise((3, *[64] * 19, 3))):
        shapes |= {
            f"model.{2 * place}.weight": (outputs, inputs, 3, 3),
            f"model.{2 * place}.bias": (outputs,),
        }
    return shapes


def lidia(kind: str) -> Shapes:
    """Of LIDIA's `PatchDenoiseNet`, grey, small or colour."""
    return dict(_lidia(*((75, 80) if kind == "colour" else (49, 64)), small=kind == "small"))


def _lidia(pixels: int, width: int, *, small: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Of `PatchDenoiseNet`, name by name."""

    def norm(name: str, n: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield from ((f"{name}.{part}", (n,)) for part in ("weight", "bias", "running_mean", "running_var"))
        yield f"{name}.num_batches_tracked", ()

    def both(name: str, ver: tuple[int, int], hor: tuple[int, int]) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.b", (hor[1], ver[1])
        yield f"{name}.ver.weight", (ver[1], ver[0])
        yield f"{name}.hor.weight", (hor[1], hor[0])

    net = "separable_fc_net."
    yield from ((name, (1,)) for name in ("alpha0", "beta", "alpha1"))
    for s in (0, 1):
        part = f"{net}sep_part1_s{s}"
        yield from both(f"{part}.ver_hor_bn_re0.ver_hor", (pixels, width), (14, 14))
        if not small:
            yield f"{part}.a", (1,)
            yield from both(f"{part}.ver_hor_bn_re1.ver_hor", (width, width), (14, 14))
            yield from norm(f"{part}.ver_hor_bn_re1.bn", 14)
        yield from both(f"{net}ver_hor_agg{s}_pre", (width, pixels), (14, 1))
        yield from both(f"{net}ver_hor_bn_re_agg{s}_post.ver_hor", (pixels, width), (1, 14))
        for layer in range(6):
            yield f"weights_net{s}.fc{layer}.weight", (14, 14)
            yield from norm(f"weights_net{s}.bn{layer}", 14)
        yield f"weights_net{s}.fc_out.weight", (14, 14)
        yield f"weights_net{s}.fc_out.bias", (14,)
    yield f"{net}agg1.bilinear_conv.weight", (1, 1, 3, 3)
    for layer in (2,) if small else (2, 3):
        yield from both(f"{net}sep_part2.ver_hor_bn_re{layer}.ver_hor", (width, width), (56, 56))
        yield from norm(f"{net}sep_part2.ver_hor_bn_re{layer}.bn", 56)
    if not small:
        yield f"{net}sep_part2.a", (1,)
    yield from both(f"{net}sep_part2.ver_hor_out", (width, pixels), (56, 1))


def numbered(shapes: Shapes) -> dict[str, Tensor]:
    """A state dict that has the number of its place in every tensor."""
    return {name: torch.full(shape, float(n)) for n, (name, shape) in enumerate(shapes.items())}
