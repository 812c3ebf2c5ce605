"""Answers that look right to a network that knows images: L_perc of Raman et al., in their equation 7.

The mean squared error between the features of answer and target at one layer of a VGG (Simonyan & Zisserman, 2015),
frozen and in evaluation mode. It belongs to the loss: it is never counted, saved or trained as part of the model.
"""

import os
import re
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from easy2hard.errors import UserError
from easy2hard.losses import Lesson

_CONVOLUTIONS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}  # of each block
_WIDTHS = (64, 128, 256, 512, 512)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of RGB in [0, 1]


def loss(
    lesson: Lesson, network: str = "vgg16", layer: str = "relu2_2", weights: str | None = None
) -> Tensor:
    """The mean squared error between the features of the last thought and those of the target.

    `network` is vgg16 or vgg19, `layer` one of relu1_1, …, relu5_3 (relu5_4). `weights` is a safetensors file under
    torchvision's names; without it the file that the environment variable EASY2HARD_VGG16 (EASY2HARD_VGG19) names is
    read, and where there is none torchvision's own weights. A file whose metadata states a `mean` (and a `std`, else
    1) is fed images normalised by them, any other by ImageNet's. Raises `UserError` where weights are missing or do
    not fit, where the metadata speaks of the other network alone, and for images that the layer cannot see. Up to
    relu3_3 the two networks have the same shapes, which cannot tell them apart: a file that says nothing is believed.
    """
    answer, target = lesson.thought(lesson.iterations), lesson.target
    if answer.ndim != 4 or answer.shape[1] != 3:
        raise UserError(
            f"the loss perceptual is for colour images, answers (n, 3, height, width); got {tuple(answer.shape)}."
        )
    least = 2 ** (_block(network, layer) - 1)
    if min(answer.shape[-2:]) < least:
        raise UserError(
            f"{layer} of {network} needs images of at least {least}x{least} pixels; got {answer.shape[-2]}x"
            f"{answer.shape[-1]}. Choose an earlier layer."
        )
    features = extractor(network, layer, _source(network, weights), str(answer.device))
    with torch.no_grad():
        wanted = features(target)
    return cast(Tensor, (features(answer) - wanted).float().square().mean())


def stamp(network: str = "vgg16", layer: str = "relu2_2", weights: str | None = None) -> str:
    """A hash of the weights that were used and of their normalisation, whatever file they came in."""
    digest = blake2b(digest_size=16)
    for tensor in extractor(network, layer, _source(network, weights), "cpu").state_dict().values():
        digest.update(tensor.float().contiguous().numpy().tobytes())
    return f"{network} {layer} {digest.hexdigest()}"


class Extractor(nn.Module):
    """RGB images in [0, 1] to the features of a layer."""

    def __init__(self, layers: nn.Sequential, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.layers = layers
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        normalised = (x - self.get_buffer("mean")) / self.get_buffer("std")
        return cast(Tensor, self.layers(normalised))


@cache
def extractor(network: str, layer: str, source: Path | None, device: str) -> Extractor:
    """The frozen network up to `layer` with the weights of a file, or of torchvision where `source` is None."""
    layers = _layers(network, layer)
    held = _from_torchvision(network) if source is None else _from_file(source, network)
    wanted = {f"features.{name}": tensor.shape for name, tensor in layers.state_dict().items()}
    for name, shape in wanted.items():
        found = held.tensors.get(name)
        if found is None:
            raise UserError(
                f"{held.name} has no {name}: it ends before {layer} of {network}, or is not under torchvision's "
                "names. Choose an earlier layer or another file."
            )
        if found.shape != shape:
            raise UserError(
                f"{held.name}: {name} is {tuple(found.shape)}, that of {network} is {tuple(shape)}; "
                "it holds another network."
            )
    layers.load_state_dict({name.removeprefix("features."): held.tensors[name] for name in wanted})
    frozen = Extractor(layers, held.mean, held.std).eval().requires_grad_(False)
    return cast(Extractor, frozen.to(device).to(memory_format=torch.channels_last))  # type: ignore[call-overload]


class _Held(NamedTuple):
    """Weights under torchvision's names, and how the images that go with them are normalised."""

    name: str
    tensors: Mapping[str, Tensor]
    mean: tuple[float, ...] = _MEAN
    std: tuple[float, ...] = _STD


def _block(network: str, layer: str) -> int:
    """The block, 1 to 5, of a layer; `UserError` where there is no such layer."""
    if network not in _CONVOLUTIONS:
        raise UserError(
            f"the loss perceptual knows the networks {', '.join(_CONVOLUTIONS)}; got '{network}'."
        )
    for block, count in enumerate(_CONVOLUTIONS[network], start=1):
        if layer in [f"relu{block}_{number}" for number in range(1, count + 1)]:
            return block
    counts = ", ".join(
        f"relu{block}_1 … relu{block}_{count}" for block, count in enumerate(_CONVOLUTIONS[network], 1)
    )
    raise UserError(f"{network} has no layer '{layer}'; there are: {counts}.")


def _layers(network: str, layer: str) -> nn.Sequential:
    """The layers up to `layer`, each at torchvision's place."""
    last = _block(network, layer)
    layers: list[nn.Module] = []
    channels = 3
    for block, (width, count) in enumerate(zip(_WIDTHS, _CONVOLUTIONS[network], strict=True), start=1):
        for number in range(1, count + 1):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
            if (block, f"relu{block}_{number}") == (last, layer):
                return nn.Sequential(*layers)
        layers.append(nn.MaxPool2d(2))
    raise AssertionError("`_block` has found the layer")


def _source(network: str, weights: str | None) -> Path | None:
    """The file to read; None where the recipe and the environment name none."""
    named = weights or os.environ.get(f"EASY2HARD_{network.upper()}")
    return Path(named) if named else None


def _from_file(path: Path, network: str) -> _Held:
    if not path.is_file():
        raise UserError(f"there is no file {path}, from which the loss perceptual was to read its weights.")
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a dict
    except SafetensorError as error:
        raise UserError(f"{path} is not a safetensors file: {error}.") from error
    said = " ".join(about.values()).lower()
    named = [f"vgg{depth}" for depth in re.findall(r"vgg[-_ ]?(\d+)", said)]
    if named and network not in named:
        raise UserError(
            f"{path} says in its metadata that it is of {named[0]}, and the loss perceptual was to read {network} "
            f"from it. Name a file of {network}, or set its option network."
        )
    if "mean" not in about:
        return _Held(str(path), tensors)
    return _Held(str(path), tensors, _numbers(path, about["mean"]), _numbers(path, about.get("std", "1,1,1")))


def _numbers(path: Path, text: str) -> tuple[float, ...]:
    try:
        red, green, blue = map(float, text.split(","))
    except ValueError as error:
        raise UserError(
            f"{path}: its metadata must give a mean and std as three numbers, such as 0.5,0.5,0.5; got '{text}'."
        ) from error
    return red, green, blue


def _from_torchvision(network: str) -> _Held:
    """ImageNet weights from torchvision's cache, or fetched into it."""
    try:
        weights = import_module("torchvision.models").get_model_weights(network).DEFAULT
        return _Held(str(weights), weights.get_state_dict(progress=True, check_hash=True))
    except (ImportError, OSError) as error:  # not installed, or nothing to be fetched from here
        raise UserError(
            f"the loss perceptual needs the weights of {network}: name a safetensors file under torchvision's names "
            f"(features.0.weight, …) in EASY2HARD_{network.upper()} or the recipe's option weights, or "
            f"`pip install 'easy2hard[perceptual]'` for torchvision's own, which it fetches; that failed here: {error}."
        ) from error
