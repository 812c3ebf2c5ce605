"""The loss perceptual: its value, its gradients, where its weights come from, and what it refuses."""

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from easy2hard import evaluation
from easy2hard.errors import UserError
from easy2hard.losses import Lesson, fixed, perceptual, progressive, similarity, stamps
from easy2hard.macs import parameters
from easy2hard.models.dt import DT
from easy2hard.recipe import Recipe
from easy2hard.suite import Suite
from easy2hard.tasks import open_task
from easy2hard.train import total_loss

REAL = Path(os.environ.get("EASY2HARD_TEST_DATA", "../shared/data")) / "weights"
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


def square(answer: Tensor, target: Tensor, x: Tensor) -> Tensor:
    return (answer - target).square().mean()


def lesson(model: Any = None, *, side: int = 8, seed: int = 0) -> Lesson:
    torch.manual_seed(2)
    x, target = torch.rand(2, 3, side, side), torch.rand(2, 3, side, side)
    return Lesson(model or DT(3, 3, width=4), x, target, square, 2, 2, random.Random(seed))


def features(held: dict[str, Tensor], x: Tensor, *, mean: Tensor = MEAN, std: Tensor = STD) -> Tensor:
    """relu2_2 as the paper of VGG has it, written out."""
    x = (x - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    for place in (0, 2, "pool", 5, 7):
        if place == "pool":
            x = F.max_pool2d(x, 2)
        else:
            x = F.conv2d(
                x, held[f"features.{place}.weight"], held[f"features.{place}.bias"], padding=1
            ).relu()
    return x


def distance(held: dict[str, Tensor], one: Lesson, **normal: Tensor) -> float:
    answer, target = (features(held, image, **normal) for image in (one.thought(2), one.target))
    return (answer - target).double().square().mean().item()


def test_the_loss_is_the_mean_squared_error_of_relu2_2(vgg: Path) -> None:
    one = lesson()
    assert perceptual.loss(one).item() == pytest.approx(distance(load_file(vgg), one), rel=1e-4)


def test_a_file_that_states_its_mean_is_fed_images_less_that_mean(vgg: Path, tmp_path: Path) -> None:
    save_file(load_file(vgg), tmp_path / "own.safetensors", metadata={"mean": "0.5,0.4,0.3"})
    one = lesson()
    expected = distance(load_file(vgg), one, mean=torch.tensor([0.5, 0.4, 0.3]), std=torch.ones(3))
    assert perceptual.loss(one, weights=str(tmp_path / "own.safetensors")).item() == pytest.approx(
        expected, rel=1e-4
    )


def test_a_perfect_answer_costs_nothing() -> None:
    one = lesson()
    one.target = one.thought(2).detach()
    assert perceptual.loss(one).item() == 0


def test_gradients_reach_the_model_and_not_the_vgg(vgg: Path) -> None:
    model = DT(3, 3, width=4)
    perceptual.loss(lesson(model)).backward()
    seen = perceptual.extractor("vgg16", "relu2_2", vgg, "cpu")
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert all(p.grad is None and not p.requires_grad for p in seen.parameters())
    assert not any(module.training for module in seen.modules())


def test_the_vgg_is_no_part_of_the_model() -> None:
    model = DT(3, 3, width=4)
    names, count = list(model.state_dict()), parameters(model)
    perceptual.loss(lesson(model))
    assert (list(model.state_dict()), parameters(model)) == (names, count)


@pytest.mark.parametrize(("network", "frozen"), [("vgg16", 14_714_688), ("vgg19", 20_024_384)])
def test_the_networks_have_the_parameters_of_torchvisions_features(network: str, frozen: int) -> None:
    last = {"vgg16": "relu5_3", "vgg19": "relu5_4"}[network]
    layers = perceptual._layers(network, last)
    assert sum(p.numel() for p in layers.parameters()) == frozen


@pytest.mark.parametrize(
    ("network", "layer", "count", "frozen"),
    [
        ("vgg16", "relu2_2", 9, 260_160),
        ("vgg16", "relu3_3", 16, 1_735_488),
        ("vgg19", "relu3_1", 12, 555_328),
    ],
)
def test_a_layer_lies_where_torchvision_has_it(network: str, layer: str, count: int, frozen: int) -> None:
    layers = perceptual._layers(network, layer)
    assert (len(layers), sum(p.numel() for p in layers.parameters())) == (count, frozen)


def test_the_losses_add_up_as_in_equation_7(tiny: Suite) -> None:
    losses = {"fixed": 0.7, "progressive": 0.3, "similarity": 0.08, "perceptual": 0.01}
    recipe = Recipe(losses=losses, train_iterations=2, options={"similarity": {"gamma": 0.5}})
    model = DT(3, 3, width=4)
    one = lesson(model)
    parts = [
        fixed.loss(one),
        progressive.loss(lesson(model)),
        similarity.loss(one, 0.5),
        perceptual.loss(one),
    ]
    whole = total_loss(model, open_task(tiny), recipe, one.x, one.target, random.Random(0))
    expected = sum(weight * float(part.detach()) for weight, part in zip(losses.values(), parts, strict=True))
    assert whole.item() == pytest.approx(expected, rel=1e-5)


def test_a_record_says_through_which_weights_its_training_looked(
    tiny: Suite, write_entry: Callable[..., Path], vgg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = write_entry(
        ("train_iterations=3", 'train_iterations=3, losses={"fixed": 1.0, "perceptual": 0.01}')
    )
    first = evaluation.evaluate(entry, tiny, out=tmp_path / "runs", levels=("0.1",), limit=2)
    assert first.record.model.hparams["stamps"] == stamps({"perceptual": {}, "fixed": {}})
    changed = {name: tensor + 0.01 for name, tensor in load_file(vgg).items()}
    save_file(changed, tmp_path / "other.safetensors")
    monkeypatch.setenv("EASY2HARD_VGG16", str(tmp_path / "other.safetensors"))
    second = evaluation.evaluate(entry, tiny, out=tmp_path / "runs", levels=("0.1",), limit=2)
    assert first.filed[0].path != second.filed[0].path
    assert first.record.model.hparams["stamps"] != second.record.model.hparams["stamps"]


def test_the_environment_names_a_file_for_each_network(
    vgg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASY2HARD_VGG19", str(tmp_path / "none.safetensors"))
    assert perceptual.loss(lesson(), network="vgg16").isfinite()
    with pytest.raises(UserError, match=r"there is no file .*none\.safetensors"):
        perceptual.loss(lesson(), network="vgg19")


def torchvision(monkeypatch: pytest.MonkeyPatch, get_state_dict: Callable[..., dict[str, Tensor]]) -> None:
    """A stand-in for torchvision, and no file of weights."""
    monkeypatch.delenv("EASY2HARD_VGG16")
    perceptual.extractor.cache_clear()
    default = SimpleNamespace(get_state_dict=get_state_dict)
    module = SimpleNamespace(get_model_weights=lambda name: SimpleNamespace(DEFAULT=default))
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(models=module))
    monkeypatch.setitem(sys.modules, "torchvision.models", module)


def test_torchvisions_weights_serve_where_no_file_is_named(
    vgg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = perceptual.loss(lesson()).item()
    classifier = {"classifier.0.weight": torch.zeros(1)}
    torchvision(monkeypatch, lambda **options: load_file(vgg) | classifier)
    assert perceptual.loss(lesson()).item() == expected


@pytest.fixture
def real_torchvision() -> Any:
    """torchvision itself, where it is installed."""
    return pytest.importorskip(
        "torchvision", reason="torchvision is not here: pip install 'easy2hard[perceptual]'"
    )


@pytest.mark.filterwarnings("ignore")  # of torchvision's own import
@pytest.mark.parametrize(("network", "layer"), [("vgg16", "relu2_2"), ("vgg19", "relu3_4")])
def test_the_layers_are_those_of_the_real_torchvision(
    network: str, layer: str, real_torchvision: Any
) -> None:
    ours = perceptual._layers(network, layer)
    with torch.device("meta"):  # its classifier alone would take half a gigabyte
        whole = getattr(real_torchvision.models, network)(weights=None, init_weights=False)
    theirs = whole.features[: len(ours)].to_empty(device="cpu")
    theirs.load_state_dict(ours.state_dict())
    x = torch.rand(1, 3, 16, 16)
    assert torch.equal(ours(x), theirs(x))
    normal = real_torchvision.models.get_model_weights(network).DEFAULT.transforms()
    assert (tuple(normal.mean), tuple(normal.std)) == (perceptual._MEAN, perceptual._STD)


@pytest.mark.filterwarnings("ignore")
def test_weights_in_the_cache_of_the_real_torchvision_serve_without_a_download(
    real_torchvision: Any, vgg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = perceptual.loss(lesson()).item()
    monkeypatch.delenv("EASY2HARD_VGG16")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    perceptual.extractor.cache_clear()
    url = real_torchvision.models.get_model_weights("vgg16").DEFAULT.url
    cached = tmp_path / "hub" / "checkpoints" / url.rsplit("/", 1)[1]
    cached.parent.mkdir(parents=True)
    torch.save(load_file(vgg), cached)
    assert perceptual.loss(lesson()).item() == expected
    perceptual.extractor.cache_clear()


def offline(**options: object) -> dict[str, Tensor]:
    raise URLError("no route to host")


@pytest.mark.parametrize("installed", [True, False])
def test_missing_weights_are_one_error_that_says_both_ways(
    installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torchvision(monkeypatch, offline)
    if not installed:
        monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(
        UserError, match=r"in EASY2HARD_VGG16 or .*option weights, or `pip install 'easy2hard\[perceptual\]'`"
    ):
        perceptual.loss(lesson())


def write(path: Path, held: dict[str, Tensor], **metadata: str) -> str:
    save_file(held, path / "wrong.safetensors", metadata=metadata)
    return str(path / "wrong.safetensors")


def test_weights_of_another_shape_are_refused(vgg: Path, tmp_path: Path) -> None:
    held = load_file(vgg) | {"features.2.weight": torch.zeros(32, 64, 3, 3)}
    with pytest.raises(
        UserError, match=r"features\.2\.weight is \(32, 64, 3, 3\), that of vgg16 is \(64, 64, 3, 3\)"
    ):
        perceptual.loss(lesson(), weights=write(tmp_path, held))


def test_weights_that_end_before_the_layer_are_refused() -> None:
    with pytest.raises(UserError, match=r"has no features\.10\.weight: it ends before relu3_1"):
        perceptual.loss(lesson(), layer="relu3_1")


def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(UserError, match="is not a safetensors file"):
        perceptual.loss(lesson(), weights=str(tmp_path / "text.safetensors"))


@pytest.mark.parametrize("names", ["torchvision vgg19().features: 0,2 | pool 4 | 5,7", "VGG-19 of Gatys"])
def test_a_file_that_says_it_is_of_the_other_network_is_refused(
    names: str, vgg: Path, tmp_path: Path
) -> None:
    path = write(tmp_path, load_file(vgg), names=names)
    with pytest.raises(
        UserError, match=r"metadata that it is of vgg19, .* was to read vgg16 .* file of vgg16"
    ):
        perceptual.loss(lesson(), weights=path)
    assert perceptual.loss(lesson(), network="vgg19", weights=path).isfinite()


@pytest.mark.parametrize("names", ["", "vgg16, where vgg19 would fit too"])
def test_a_file_that_does_not_deny_it_is_believed(names: str, vgg: Path, tmp_path: Path) -> None:
    path = write(tmp_path, load_file(vgg), names=names)
    assert perceptual.loss(lesson(), weights=path).item() == perceptual.loss(lesson()).item()


def test_a_mean_that_is_no_three_numbers_is_refused(vgg: Path, tmp_path: Path) -> None:
    path = write(tmp_path, load_file(vgg), mean="0.5")
    with pytest.raises(UserError, match=r"three numbers, such as 0\.5,0\.5,0\.5; got '0\.5'"):
        perceptual.loss(lesson(), weights=path)


@pytest.mark.parametrize("layer", ["relu2_3", "relu6_1", "conv2_2", ""])
def test_a_layer_that_does_not_exist_is_answered_with_those_that_do(layer: str) -> None:
    with pytest.raises(UserError, match=r"has no layer .* relu2_1 … relu2_2, relu3_1 … relu3_3"):
        perceptual.loss(lesson(), layer=layer)


def test_a_network_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UserError, match="the networks vgg16, vgg19; got 'alexnet'"):
        perceptual.loss(lesson(), network="alexnet")


def test_answers_that_are_no_colour_images_are_refused() -> None:
    with pytest.raises(UserError, match=r"answers \(n, 3, height, width\); got \(2, 2, 8, 8\)"):
        perceptual.loss(lesson(DT(3, 2, width=4)))


def test_images_that_a_layer_cannot_see_are_refused() -> None:
    with pytest.raises(UserError, match="relu5_3 of vgg16 needs images of at least 16x16 pixels; got 8x8"):
        perceptual.loss(lesson(), layer="relu5_3")


@pytest.mark.skipif(
    not REAL.is_dir(), reason="the weights are not here; EASY2HARD_TEST_DATA names their folder"
)
def test_the_normalised_vgg_answers_natural_images_with_mean_one() -> None:
    seen = perceptual.extractor("vgg19", "relu3_1", REAL / "vgg19_normalised_relu3_1.safetensors", "cpu")
    means = []
    for path in sorted((REAL.parent / "denoise_sets" / "CBSD68").glob("*.webp"))[:8]:
        pixels = np.array(Image.open(path).convert("RGB"))[:160, :160]
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
        with torch.inference_mode():
            means.append(float(seen(image).mean()))
    assert np.mean(means) == pytest.approx(0.93, abs=0.12), means
