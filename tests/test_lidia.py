"""LIDIA: its layers and the whole net against slow, plain versions, its published names, and what it refuses."""

import authors
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import UserError
from easy2hard.layers.overlap import overlap_average
from easy2hard.layers.patch_view import PatchView
from easy2hard.models import lidia
from easy2hard.models.lidia import Lidia, Separable, Stage, published

KINDS: dict[str, dict[str, bool]] = {"grey": {}, "small": {"small": True}, "colour": {"colour": True}}
EVERY = pytest.mark.parametrize("kind", KINDS)


def lived_in(kind: str) -> Lidia:
    """A net in evaluation whose batch norms, shares and biases are none that a new one has."""
    torch.manual_seed(0)
    model = Lidia(**KINDS[kind]).double().eval()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d):
            for tensor in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
        if isinstance(layer, Stage) and layer.second is not None:
            nn.init.constant_(layer.share, 0.3)
    return model


def drawn(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def exact(*shape: int) -> Tensor:
    """Images of mean 1/2 in 256ths: sums of theirs and of their squares are not rounded.

    The patches on the line at which a border is reflected are as far from a patch as from its mirror image; which of
    the two comes first would otherwise hang on a rounding.
    """
    chance = torch.Generator().manual_seed(0)
    half = torch.randint(0, 128, (*shape[:2], shape[2] * shape[3] // 2), generator=chance)
    both = torch.cat([half, -half], dim=2)[..., torch.randperm(2 * half.shape[2], generator=chance)].view(
        shape
    )
    return 0.5 + both.double() / 256


# The whole net again, place by place as the paper draws it: a patch is a column, and its neighbours stand beside it.
def separable(layer: Separable, x: Tensor) -> Tensor:
    """(places, pixels, patches) -> the same."""
    y = torch.einsum("op,npq,rq->nor", layer.pixels.weight, x, layer.patches.weight) + layer.bias.t()
    if layer.norm is not None:
        y = layer.norm(y.transpose(0, 1)[None].flatten(1, 2).transpose(1, 2)).transpose(1, 2)[0]
        y = y.view(layer.pixels.out_features, len(x), -1).transpose(0, 1)
    return y.relu() if layer.relu else y


def stage(part: Stage, x: Tensor) -> Tensor:
    x = separable(part.first, x)
    return x if part.second is None else part.share * x + (1 - part.share) * separable(part.second, x)


def by_hand(model: Lidia, x: Tensor) -> Tensor:
    """The answer to one image (1, channels, height, width), of one channel for the grey net."""
    size, half = model.size, model.size // 2
    image = 2 * x - 1
    mean = image.mean(dim=(2, 3), keepdim=True)
    kernel = torch.tensor([1.0, 2.0, 1.0]).outer(torch.tensor([1.0, 2.0, 1.0])).to(x)[None, None] / 16
    fine = F.pad(image - mean, [size - 1] * 4, mode="reflect")
    wide = F.pad(image - mean, [size - 1 + half + 1] * 4, mode="reflect")
    coarse = F.conv2d(wide.transpose(0, 1), kernel).transpose(0, 1)
    known, told = [], []
    for scale, picture, dilation in ((model.fine, fine, 1), (model.coarse, coarse, 2)):
        view = PatchView.of(picture, size, dilation=dilation, reach=14, count=14, beyond=-1.0)
        patches = view.patches.t()[view.nearest.t()]  # (places, 14, pixels)
        spread = patches[:, 0].std(dim=1, keepdim=True) ** 2 * patches.shape[2]
        distances = torch.cat([view.distances.t()[:, 1:], spread], dim=1)
        weights = scale.weigh(torch.exp(-scale.alpha.abs() * distances))
        known.append(stage(scale.encode, (patches * weights[:, :, None]).transpose(1, 2)))
        own = weights[:, :1] if dilation == 2 else torch.ones_like(weights[:, :1])
        said = (separable(scale.tell, known[-1])[:, :, 0] / own).t()[None]
        average = overlap_average(said, view.shape, size, dilation=dilation)
        if dilation == 2:
            average = F.conv2d(F.pad(average, [1] * 4, mode="reflect").transpose(0, 1), kernel).transpose(
                0, 1
            )
        heard = own * F.unfold(average, size, dilation=dilation)[0].t()
        told.append(separable(scale.hear, heard[:, :, None]))
    noise = separable(model.noise, stage(model.merge, torch.cat(known + told, dim=2)))[:, :, 0]
    cleaned = F.unfold(fine, size)[0].t() - noise
    trust = torch.exp(-model.beta.abs() * (cleaned - cleaned.mean(1, keepdim=True)).square().mean(1))
    answer = overlap_average(cleaned.t()[None], tuple(fine.shape[2:]), size, weight=trust[None, None])
    inside = answer[..., size - 1 : 1 - size, size - 1 : 1 - size]
    return (inside + mean + 1) / 2


@EVERY
@pytest.mark.parametrize("shape", [(12, 12), (13, 18)])
@torch.inference_mode()
def test_the_net_is_that_of_the_paper_place_by_place(kind: str, shape: tuple[int, int]) -> None:
    model, x = lived_in(kind), exact(2, 3, *shape)
    parts = x.unbind(0) if model.colour else x.flatten(0, 1)[:, None].unbind(0)
    expected = torch.cat([by_hand(model, part[None]) for part in parts]).view_as(x)
    assert (expected - x).std() > 1e-4
    torch.testing.assert_close(model(x), expected, rtol=0, atol=1e-10)


@EVERY
def test_evaluation_in_pieces_is_evaluation_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = lived_in(kind), exact(3, 3, 11, 14)
    with torch.inference_mode():
        whole = model(x)
        monkeypatch.setattr(lidia, "_PLACES_AT_ONCE", {"cpu": 1_000_000})
        monkeypatch.setattr(lidia, "_IMAGES_AT_ONCE", {"cpu": 1})
        torch.testing.assert_close(model(x), whole, rtol=0, atol=1e-12)


@EVERY
def test_a_sample_does_not_feel_its_batch(kind: str) -> None:
    model, x = lived_in(kind), exact(3, 3, 11, 12)
    with torch.inference_mode():
        torch.testing.assert_close(model(x)[1:2], model(x[1:2]), rtol=0, atol=1e-12)


@EVERY
def test_a_net_that_sees_no_noise_gives_the_image_back(kind: str) -> None:
    model, x = lived_in(kind), drawn(2, 3, 12, 15)
    nn.init.zeros_(model.noise.patches.weight)
    nn.init.zeros_(model.noise.bias)
    with torch.inference_mode():
        torch.testing.assert_close(model(x), x, rtol=0, atol=1e-12)


@EVERY
def test_every_parameter_learns(kind: str) -> None:
    model = lived_in(kind).train()
    (model(drawn(2, 3, 12, 12)) - 0.5).square().mean().backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []


@pytest.mark.parametrize("patches", [(14, 14), (14, 1), (1, 14)])
def test_a_separable_layer_multiplies_from_both_sides(patches: tuple[int, int]) -> None:
    layer, x = Separable((5, 3), patches).double(), drawn(5, patches[0], 7)
    expected = separable(layer, x.permute(2, 0, 1)).permute(1, 2, 0)
    torch.testing.assert_close(layer(x), expected)


def test_the_batch_norms_of_training_see_all_patches_of_a_batch() -> None:
    layer, x = Separable((5, 3), (4, 4), norm=True, relu=False).double(), drawn(5, 4, 50)
    answer = layer.train()(x)
    assert answer.mean(dim=(0, 2)).abs().max() < 1e-12
    torch.testing.assert_close(
        answer.var(dim=(0, 2), unbiased=False), torch.ones(4).double(), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize(("kind", "least"), [("grey", 11), ("colour", 8)])
def test_an_image_too_small_to_be_reflected_is_refused(kind: str, least: int) -> None:
    model = Lidia(**KINDS[kind]).eval()
    with torch.inference_mode():
        assert model(torch.rand(1, 3, least, least)).shape == (1, 3, least, least)
        with pytest.raises(UserError, match=f"has at least {least} a side; got 20 x {least - 1}"):
            model(torch.rand(1, 3, 20, least - 1))


def test_the_net_for_colour_refuses_grey_images() -> None:
    with pytest.raises(UserError, match="takes 3 channels, got 1; the grey one takes any number"):
        Lidia(colour=True)(torch.rand(1, 1, 12, 12))


@EVERY
def test_a_file_of_the_authors_fills_every_tensor(kind: str) -> None:
    saved, model = {"state_dict": authors.numbered(authors.lidia(kind))}, Lidia(**KINDS[kind])
    state = published(saved)
    model.load_state_dict(state)
    assert len(state) == len(model.state_dict()) == len(saved["state_dict"]) - 1  # but the kernel of a blur
    assert len({float(tensor.flatten()[0]) for tensor in state.values()}) == len(state)


def test_tensors_of_the_authors_land_in_their_places() -> None:
    theirs = authors.numbered(authors.lidia("grey"))
    model = Lidia()
    model.load_state_dict(published({"state_dict": theirs}))
    net = "separable_fc_net."
    for name, ours in {
        "alpha1": model.coarse.alpha,
        "weights_net0.fc5.weight": model.fine.weigh[15].weight,
        "weights_net1.bn2.running_var": model.coarse.weigh[7].running_var,
        "weights_net1.fc_out.bias": model.coarse.weigh[18].bias,
        f"{net}sep_part1_s1.ver_hor_bn_re1.bn.bias": model.coarse.encode.second.norm.bias,
        f"{net}sep_part1_s0.ver_hor_bn_re0.ver_hor.hor.weight": model.fine.encode.first.patches.weight,
        f"{net}ver_hor_agg1_pre.ver.weight": model.coarse.tell.pixels.weight,
        f"{net}ver_hor_bn_re_agg0_post.ver_hor.b": model.fine.hear.bias,
        f"{net}sep_part2.a": model.merge.share,
        f"{net}sep_part2.ver_hor_bn_re2.bn.running_mean": model.merge.first.norm.running_mean,
        f"{net}sep_part2.ver_hor_out.b": model.noise.bias,
    }.items():
        assert torch.equal(ours.data, theirs[name]), name


def test_a_file_of_something_else_is_refused() -> None:
    with pytest.raises(UserError, match="under 'state_dict'"):
        published({"alpha0": torch.zeros(1)})
