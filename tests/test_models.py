"""The models: parameter counts of the papers, the contract, and the filters' closed forms."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import UserError
from easy2hard.layers.median import median_filter
from easy2hard.macs import parameters
from easy2hard.models import median_cnn
from easy2hard.models.classical import AdaptiveMedian, DetectInterpolate, GaussianBlur, Median
from easy2hard.models.cscnet import CSCNet
from easy2hard.models.deep_ksvd import DeepKSVD
from easy2hard.models.dncnn import DnCNN, fold
from easy2hard.models.dt import DT, DynamicDT, Involution, LatticeDT, MedianDT
from easy2hard.models.feedforward import FeedForward
from easy2hard.models.interpolate import InterpolateDT
from easy2hard.models.k_svd import KSVD
from easy2hard.models.lidia import Lidia
from easy2hard.models.median_cnn import MedianCNN
from easy2hard.models.ponder import PonderDT
from easy2hard.models.recurrent import Once, Plain, Recurrent, adapt, map_state
from easy2hard.models.shrink import ShrinkDT
from easy2hard.models.unet import UNet

COUNTS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "DT, Raman et al.": (lambda: DT(3, 3, width=20), 27_360),
    "DT + median, Raman et al.": (lambda: MedianDT(3, 3, width=20), 27_360),
    "DT + dynamic, Raman et al.": (lambda: DynamicDT(3, 3, width=20), 27_487),
    "DT without recall": (lambda: DT(3, 3, width=20, recall=False), 23_220),
    "CNN, Raman et al.": (lambda: FeedForward(3, 3, width=20, stages=5), 84_960),
    "CNN without recall": (lambda: FeedForward(3, 3, width=20, stages=5, recall=False), 80_820),
    "DnCNN, Raman et al.": (lambda: DnCNN(3), 669_312),
    "DnCNN of the answer itself": (lambda: DnCNN(3, residual=False), 669_312),
    "DnCNN, grey, Zhang et al.": (lambda: DnCNN(1, depth=17), 556_032),
    "CNN + median, Raman et al.": (lambda: MedianCNN(3), 3_563_011),
    "CNN + median as published": (lambda: MedianCNN(3, medians=None), 3_563_011),
    "DT, Bansal et al.": (lambda: DT(3, 2, width=128), 783_504),
    "recurrent, Schwarzschild et al.": (lambda: DT(3, 2, width=128, recall=False), 632_592),
    "DT that learns when to stop": (lambda: PonderDT(3, 3, width=20), 27_381),
    "lattice": (lambda: LatticeDT(3, 2, width=32), 59_472),
    "interpolation": (lambda: InterpolateDT(3, 3, width=20), 27_720),
    "CSCNet, Simon and Elad": (CSCNet, 63_700),
    "Deep K-SVD, Scetbon et al.": (DeepKSVD, 35_138),
    "Deep K-SVD of 2 stages": (lambda: DeepKSVD(stages=2), 53_891),
    "Deep K-SVD of 3 stages": (lambda: DeepKSVD(stages=3), 72_644),
    "LIDIA, grey, Vaksman et al.": (Lidia, 61_589),
    "LIDIA-S, Vaksman et al.": (lambda: Lidia(small=True), 40_226),
    "LIDIA, colour, Vaksman et al.": (lambda: Lidia(colour=True), 94_067),
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_net_has_the_parameters_of_its_paper(name: str) -> None:
    build, expected = COUNTS[name]
    assert parameters(build()) == (expected, expected)


NETS: dict[str, Callable[[], Recurrent]] = {
    "dt": lambda: DT(3, 3, width=4),
    "dt without recall": lambda: DT(3, 3, width=4, recall=False),
    "dt with medians": lambda: MedianDT(3, 3, width=4),
    "dynamic dt": lambda: DynamicDT(3, 3, width=13).eval(),
    "feed forward": lambda: FeedForward(3, 3, width=4, stages=4),
    "lattice": lambda: LatticeDT(3, 3, width=4),
    "interpolation": lambda: InterpolateDT(3, 3, width=4),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("shape", [(12, 12), (14, 20), (13, 15)])
def test_a_net_answers_in_the_shape_of_its_image_at_every_iteration(
    name: str, shape: tuple[int, int]
) -> None:
    model, x = NETS[name](), torch.rand(2, 3, *shape)
    assert {tuple(model(x, t).shape) for t in range(1, 5)} == {(2, 3, *shape)}


@pytest.mark.parametrize("name", NETS)
def test_a_step_leaves_its_state_and_its_image_as_they_were(name: str) -> None:
    model, x = NETS[name](), torch.rand(2, 3, 12, 12)
    with torch.no_grad():
        state, seen, image = model.encode(x), model.recall(x), x.clone()
        before = map_state(state, torch.clone), map_state(seen, torch.clone)
        model.decode(model.step(state, seen, 0), x)
    torch.testing.assert_close((state, seen), before, rtol=0, atol=0)
    assert torch.equal(x, image)


def convolved(layer: nn.Module, x: Tensor) -> Tensor:
    return F.conv2d(x, layer.get_parameter("weight"), padding=1)


def through_blocks(blocks: nn.Module, state: Tensor) -> Tensor:
    """Two residual blocks: conv, ReLU, conv, plus what went in, ReLU."""
    for block in blocks.children():
        inner = convolved(block.get_submodule("first"), state).relu()
        state = (state + convolved(block.get_submodule("second"), inner)).relu()
    return state


def read_out(head: nn.Sequential, state: Tensor) -> Tensor:
    return convolved(head[4], convolved(head[2], convolved(head[0], state).relu()).relu())


@pytest.mark.parametrize("name", ["dt", "dt without recall", "feed forward"])
def test_a_thought_is_that_of_the_papers_net_written_out(name: str) -> None:
    """Bansal et al., `DTNet` and `FeedForwardNet`: the image is seen before the blocks of every iteration."""
    model, x = NETS[name]().double(), torch.rand(2, 3, 7, 9, dtype=torch.double)
    state = convolved(model.project, x).relu()
    for t in range(4):
        if model.recall_conv is not None:
            state = convolved(model.recall_conv.both, torch.cat([state, x], dim=1))
        state = through_blocks(model.block if isinstance(model, DT) else model.blocks[t], state)
        torch.testing.assert_close(model(x, t + 1), read_out(model.head, state))


@pytest.mark.parametrize(("net", "start"), [(DT, 1.0), (InterpolateDT, 0.1), (ShrinkDT, 0.1)])
def test_a_head_that_corrects_an_image_starts_with_a_tenth_of_the_usual_weights(
    net: Callable[..., DT | InterpolateDT | ShrinkDT], start: float
) -> None:
    torch.manual_seed(0)
    largest, usual = (
        net(3, 3, width=4).head[-1].weight.abs().max(),
        (9 * 8) ** -0.5,
    )  # torch draws evenly up to it
    assert 0.9 * start * usual < largest <= start * usual


def test_recall_in_two_halves_is_the_convolution_of_the_concatenation() -> None:
    model, x = DT(3, 3, width=4), torch.rand(2, 3, 12, 12)
    assert model.recall_conv is not None
    state = torch.rand(2, 4, 12, 12)
    whole = F.conv2d(torch.cat([state, x], dim=1), model.recall_conv.both.weight, padding=1)
    assert torch.allclose(model.recall_conv(state, model.recall(x)), whole, atol=1e-6)


def test_without_recall_later_thoughts_do_not_see_the_image() -> None:
    model, x = DT(3, 3, width=4, recall=False), torch.rand(1, 3, 12, 12)
    state = torch.rand(1, 4, 12, 12)
    assert torch.equal(model.step(state, model.recall(x), 0), model.step(state, model.recall(1 - x), 0))


def test_the_stages_of_the_feed_forward_net_differ_and_end() -> None:
    model, x = FeedForward(3, 3, width=4, stages=2), torch.rand(1, 3, 12, 12)
    state, seen = model.encode(x), model.recall(x)
    assert not torch.equal(model.step(state, seen, 0), model.step(state, seen, 1))
    assert model.max_iterations == 2


def test_dncnn_takes_the_noise_that_it_sees_from_the_image() -> None:
    model, x = DnCNN(3, depth=3, width=4).eval(), torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        assert torch.allclose(model(x) + model.model(x), x, atol=1e-6)
        model.model[-1].weight.zero_()
        assert torch.equal(model(x), x)


def lived_in(model: nn.Module) -> nn.Module:
    """The model in float64 and in evaluation, with numbers of its own in every norm, bias and slope."""
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point() and tensor.dim() == 1:
            nn.init.uniform_(tensor, 0.1, 0.9)
    return model.double().eval()


def normed(norm: nn.BatchNorm2d, x: Tensor, eps: float) -> Tensor:
    return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=eps)


def test_dncnn_is_the_stack_of_its_paper_written_out() -> None:
    model, x = lived_in(DnCNN(3, depth=4, width=5)), torch.rand(2, 3, 8, 9, dtype=torch.double)
    first, *inner, last = (layer for layer in model.model if isinstance(layer, nn.Conv2d))
    norms = (layer for layer in model.model if isinstance(layer, nn.BatchNorm2d))
    state = convolved(first, x).relu()
    for layer in inner:
        state = normed(next(norms), convolved(layer, state), 1e-5).relu()
    torch.testing.assert_close(model(x), x - convolved(last, state))


def test_the_inner_convolutions_of_dncnn_start_as_the_identity_and_three_tenths_of_the_usual_noise() -> None:
    torch.manual_seed(0)
    _, *inner, _ = (layer for layer in DnCNN(3, depth=4).model if isinstance(layer, nn.Conv2d))
    for layer in inner:
        noise = layer.weight.detach() - nn.init.dirac_(torch.empty_like(layer.weight))
        usual = (9 * 64) ** -0.5  # torch draws evenly up to it
        assert float(noise.abs().max()) == pytest.approx(0.3 * usual, rel=0.01)


def test_dncnn_may_answer_with_what_it_sees() -> None:
    model, x = DnCNN(3, depth=3, width=4, residual=False).eval(), torch.rand(2, 3, 8, 8)
    assert torch.equal(model(x), model.model(x))


@pytest.mark.parametrize("residual", [True, False])
def test_folding_the_batch_norms_changes_no_answer(residual: bool) -> None:
    model, x = DnCNN(3, depth=5, width=8, residual=residual), torch.rand(4, 3, 8, 8)
    for norm in (layer for layer in model.model if isinstance(layer, nn.BatchNorm2d)):
        for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            nn.init.uniform_(tensor, 0.5, 1.5)
    folded = fold(model)
    assert model.training  # folding leaves the net as it was
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    assert torch.allclose(folded(x), model.eval()(x), atol=1e-5)


def test_a_folded_net_has_the_names_and_forms_of_the_published_weights() -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in DnCNN(3, folded=True).state_dict().items()}
    convolutions = {f"model.{2 * n}.weight" for n in range(20)} | {f"model.{2 * n}.bias" for n in range(20)}
    assert set(shapes) == convolutions
    assert shapes["model.0.weight"] == (64, 3, 3, 3)
    assert shapes["model.38.bias"] == (3,)


def test_the_median_net_filters_its_state_and_not_its_image() -> None:
    model, plain = MedianDT(3, 3, width=4), DT(3, 3, width=4)
    plain.load_state_dict(model.state_dict())
    state, seen = torch.rand(1, 4, 12, 12), model.recall(torch.rand(1, 3, 12, 12))
    assert torch.equal(model.step(state, seen, 0), plain.step(median_filter(state, 5), seen, 0))


def test_the_dynamic_net_filters_state_and_image_before_the_recall() -> None:
    model, x, state = DynamicDT(3, 3, width=13).eval(), torch.rand(2, 3, 7, 7), torch.rand(2, 13, 7, 7)
    both = torch.cat([state, x], dim=1)
    unfolded = F.unfold(both, 5, padding=2).view(2, 16, 25, 49)
    kernels = model.filter.span(F.relu(model.filter.norm(model.filter.reduce(both)))).view(2, 1, 25, 49)
    filtered = (unfolded * kernels).sum(dim=2).view_as(both)
    assert model.recall_conv is not None
    expected = model.block(model.recall_conv.both(filtered))
    assert torch.allclose(model.step(state, model.recall(x), 0), expected, atol=1e-5)


def test_the_dynamic_filter_learns_in_every_part() -> None:
    model = DynamicDT(3, 3, width=13)
    model(torch.rand(2, 3, 8, 8), 2).square().mean().backward()
    gradients = {name: p.grad for name, p in model.filter.named_parameters()}
    del gradients["reduce.bias"]  # the batch norm takes it away again while training
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients.values())


def test_the_dynamic_filter_starts_near_the_identity() -> None:
    torch.manual_seed(0)
    filter_, x = DynamicDT(3, 3, width=20).filter, torch.rand(2, 23, 9, 9)
    assert (filter_(x) - x)[:, :, 2:-2, 2:-2].abs().mean() < 0.3 * x.mean()


IMPOSSIBLE: list[tuple[Callable[[], object], str]] = [
    (lambda: DT(3, 3, width=0), "width of a DT must be a whole number, 1 or more; got 0"),
    (lambda: DT(3, 3, width=2.5), "width of a DT must be a whole number, 1 or more; got 2.5"),
    (lambda: MedianDT(3, 3, width=-1), "width of a DT .* got -1"),
    (lambda: DynamicDT(3, 3, width=0), "width of a DT .* got 0"),
    (lambda: FeedForward(3, 3, width=0, stages=2), "width of a feed-forward net .* got 0"),
    (lambda: DT(3, 3, width=True), "a whole number, 1 or more; got True"),
    (lambda: DT(3, 3, width=4, hidden=(0, 8)), "channels_out of a convolution .* got 0"),
    (lambda: MedianDT(3, 3, width=4, kernel_size=4), "kernel_size must be 3 or 5; got 4"),
    (lambda: DynamicDT(3, 3, width=20, kernel_size=-3), "must be an odd whole number, 1 or more; got -3"),
    (lambda: DynamicDT(3, 3, width=20, kernel_size=0), "an odd whole number, 1 or more; got 0"),
    (lambda: DynamicDT(3, 3, width=20, kernel_size=4), "an odd whole number, 1 or more; got 4"),
    (lambda: Involution(8, reduction=0), "reduction of an involution .* got 0"),
    (lambda: Involution(8, reduction=-1), "reduction of an involution .* got -1"),
    (lambda: FeedForward(3, 3, width=4, stages=0), "stages of a feed-forward net .* got 0"),
    (lambda: DnCNN(3, width=0), "width of a DnCNN .* got 0"),
    (lambda: DnCNN(3, width=-1), "width of a DnCNN .* got -1"),
    (lambda: DnCNN(0), "channels of a DnCNN .* got 0"),
    (lambda: DnCNN(3, depth=1), "depth of a DnCNN must be a whole number, 2 or more; got 1"),
    (lambda: MedianCNN(3, width=0), "width of a median CNN .* got 0"),
    (lambda: MedianCNN(3, blocks=-1), "blocks of a median CNN .* 0 or more; got -1"),
    (lambda: MedianCNN(3, medians=-1), "medians of a median CNN .* 0 or more; got -1"),
    (lambda: CSCNet(filters=0), "filters of a CSCNet .* got 0"),
    (lambda: CSCNet(kernel_size=0, stride=0), "kernel_size of a CSCNet .* got 0"),
    (lambda: CSCNet(threshold=-0.1), "threshold of a CSCNet .* 0 or more; got -0.1"),
    (lambda: DeepKSVD(stages=0), "stages of a deep K-SVD .* got 0"),
    (lambda: DeepKSVD(patch_size=0), "patch_size of a deep K-SVD .* 2 or more; got 0"),
    (lambda: DeepKSVD(iterations=-1), "iterations of a deep K-SVD .* 0 or more; got -1"),
    (lambda: UNet(0), "channels of a U-Net .* got 0"),
    (lambda: Median(4), "kernel_size must be 3 or 5; got 4"),
    (
        lambda: AdaptiveMedian(largest=8),
        "largest of an adaptive median .* odd whole number, 3 or more; got 8",
    ),
    (lambda: GaussianBlur(-1.0), "sigma of a Gaussian blur must be a finite number, above 0; got -1.0"),
    (lambda: GaussianBlur(0.0), "above 0; got 0.0"),
    (lambda: GaussianBlur(float("nan")), "above 0; got nan"),
    (lambda: KSVD(patch=0), "patch of K-SVD .* 2 or more; got 0"),
    (lambda: KSVD(atoms=250), "their number is a square; got 250"),
    (lambda: KSVD(rounds=-1), "rounds of K-SVD .* 0 or more; got -1"),
    (lambda: KSVD(most=0), "most of K-SVD .* got 0"),
    (lambda: KSVD(gain=-1.0), "gain of K-SVD .* got -1.0"),
]


@pytest.mark.parametrize(("build", "said"), IMPOSSIBLE, ids=[said for _, said in IMPOSSIBLE])
def test_a_number_that_nothing_can_be_built_of_is_refused(build: Callable[[], object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        build()


def test_whole_numbers_of_numpy_are_taken_as_they_are() -> None:
    assert parameters(DT(3, 3, width=np.int64(20))) == (27_360, 27_360)


def test_too_few_channels_to_reduce_are_refused() -> None:
    with pytest.raises(UserError, match=r"8 channels in width \+ channels of the image; got 2 \+ 3 = 5"):
        DynamicDT(3, 3, width=2)
    with pytest.raises(UserError, match="at least 8 channels; got 7"):
        Involution(7)
    assert DynamicDT(3, 3, width=5).filter.reduce.out_channels == 1


@pytest.mark.parametrize("shape", [(12, 14), (13, 15), (11, 16)])
def test_the_lattice_has_half_the_points_of_any_image_and_one_for_its_border(shape: tuple[int, int]) -> None:
    state = LatticeDT(3, 3, width=4).encode(torch.rand(1, 3, *shape))
    assert tuple(state.shape[-2:]) == tuple(math.ceil(side / 2) + 1 for side in shape)


@pytest.mark.parametrize(("medians", "filtered"), [(16, 18), (1, 3), (0, 2), (None, 0)])
def test_the_median_cnn_has_two_medians_in_front_and_one_after_each_early_block(
    medians: int | None, filtered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(median_cnn, "median_filter", lambda x, size: sizes.append(size) or x)
    MedianCNN(3, width=2, blocks=17, medians=medians)(torch.rand(1, 3, 8, 8))
    assert sizes == [5] * filtered


def test_the_median_cnn_starts_from_filtered_images() -> None:
    model, x = MedianCNN(3, width=2, blocks=1, medians=0).eval(), torch.rand(1, 3, 12, 12)
    seen: list[Tensor] = []
    model.first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(x)
    assert torch.equal(seen[0], median_filter(median_filter(x, 5), 5))


def test_the_batch_norms_of_the_median_cnn_have_the_epsilons_of_its_code() -> None:
    block = median_cnn.Block(2)
    norms = [layer for layer in block.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert [norm.eps for norm in norms] == [1e-4, 1e-3, 1e-3]


def test_the_median_cnn_is_the_net_of_its_code_written_out() -> None:
    model, x = (
        lived_in(MedianCNN(3, width=4, blocks=3, medians=2)),
        torch.rand(2, 3, 8, 9, dtype=torch.double),
    )

    def conv(layer: nn.Conv2d, x: Tensor) -> Tensor:
        return F.conv2d(x, layer.weight, layer.bias, padding=1)

    def prelu(layer: nn.PReLU, x: Tensor) -> Tensor:
        return torch.where(x > 0, x, layer.weight.view(-1, 1, 1) * x)

    state = prelu(model.first[1], conv(model.first[0], median_filter(median_filter(x, 5), 5)))
    for number, block in enumerate(model.blocks):
        state = normed(block.plain[1], conv(block.plain[0], state), 1e-4).relu()
        one, norm, slope, other, last = block.residual
        inner = prelu(slope, normed(norm, conv(one, state), 1e-3))
        state = state + normed(last, conv(other, inner), 1e-3)
        state = median_filter(state, 5) if number < 2 else state
    torch.testing.assert_close(model(x), conv(model.last, state))


def test_the_median_cnn_starts_with_slopes_of_zero_and_first_norms_two_deviations_above_it() -> None:
    model = MedianCNN(3, width=2, blocks=2)
    slopes = [layer.weight for layer in model.modules() if isinstance(layer, nn.PReLU)]
    assert len(slopes) == 3
    assert not any(slope.any() for slope in slopes)
    assert [block.plain[1].bias.tolist() for block in model.blocks] == [[2.0, 2.0]] * 2


def test_a_block_of_the_median_cnn_starts_near_the_identity() -> None:
    torch.manual_seed(0)
    block, x = median_cnn.Block(64), torch.rand(4, 64, 12, 12)
    for channel in range(64):  # the batch norm has a mean and a scale for each
        pair = torch.stack([block(x)[:, channel].flatten(), x[:, channel].flatten()])
        assert torch.corrcoef(pair)[0, 1] > 0.95
    assert block.residual(x).abs().max() == 0


def test_interpolation_leaves_every_pixel_alone_that_is_not_lost() -> None:
    x = torch.rand(2, 3, 12, 12)
    x[:, :, 3, 4], x[:, :, 7:9, 7:9] = 0, 1
    kept = ~((x == 0).all(dim=1, keepdim=True) | (x == 1).all(dim=1, keepdim=True)).expand_as(x)
    assert 0 < int((~kept).sum()) == 2 * 3 * 5
    for iterations in (1, 2, 30):
        answer = InterpolateDT(3, 3, width=4)(x, iterations)
        assert torch.equal(answer[kept], x[kept])
        assert not torch.equal(answer, x)


def test_without_a_word_from_the_net_a_wide_hole_becomes_as_smooth_as_its_edge() -> None:
    """The mean of four neighbours, again and again, solves Laplace's equation: a ramp is filled as a ramp."""
    model = InterpolateDT(3, 3, width=4)
    nn.init.zeros_(model.head[-1].weight)
    ramp = torch.linspace(0.2, 0.8, 12).expand(1, 3, 12, 12)
    x = ramp.clone()
    x[:, :, 3:9, 3:9] = 0
    with torch.no_grad():
        errors = [float((model(x, iterations) - ramp).abs().max()) for iterations in (1, 10, 100)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-3


def test_interpolation_converges_whatever_the_net_has_learnt() -> None:
    """A head a thousand times too loud still moves an image less with each thought."""
    torch.manual_seed(0)
    model, x = InterpolateDT(3, 3, width=4), torch.rand(2, 3, 12, 12)
    x[torch.rand(2, 1, 12, 12).expand_as(x) < 0.5] = 0
    with torch.no_grad():
        model.head[-1].weight.mul_(1000)
        thoughts = torch.stack([model(x, iterations) for iterations in range(1, 40)])
    moves = thoughts.diff(dim=0).flatten(2).norm(dim=2)
    assert moves[0].min() > 1
    assert (moves[1:] <= 0.9001 * moves[:-1]).all()


def interpolated(model: InterpolateDT, x: Tensor, iterations: int) -> tuple[Tensor, list[float]]:
    """The thought of an interpolating net, written out, and which share of its move each iteration made."""
    cross = torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=x.dtype).expand(3, 1, 3, 3) / 4

    def neighbours(image: Tensor) -> Tensor:
        return F.conv2d(F.pad(image, [1] * 4, mode="replicate"), cross, groups=3)

    holes = ((x == 0).all(dim=1, keepdim=True) | (x == 1).all(dim=1, keepdim=True)).to(x.dtype)
    image = x + holes * (neighbours(DetectInterpolate().to(x.dtype)(x)) - x)
    features, reach, shares = convolved(model.project, torch.cat([image, holes], dim=1)).relu(), math.inf, []
    for _ in range(iterations):
        features = through_blocks(
            model.block, convolved(model.look, torch.cat([features, image, holes], dim=1))
        )
        move = holes * (neighbours(image) + read_out(model.head, features) - image)
        length = float(move.detach().norm())
        shares.append(min(1.0, reach / length))
        image, reach = image + shares[-1] * move, 0.9 * shares[-1] * length
    return image, shares


def test_an_interpolating_net_moves_holes_by_its_word_no_further_than_nine_tenths_of_the_last_move() -> None:
    """Its answer and its gradients are those of the net written out, where the reach binds and has no gradient."""
    torch.manual_seed(0)
    model, x = InterpolateDT(3, 3, width=4).double(), 0.1 + 0.8 * torch.rand(1, 3, 9, 10, dtype=torch.double)
    x[:, :, 2:5, 3:7], x[:, :, 7, 1] = 0, 1
    with torch.no_grad():
        model.head[-1].weight.mul_(10)
    answer, (expected, shares) = model(x, 3), interpolated(model, x, 3)
    assert min(shares) < 1
    torch.testing.assert_close(answer, expected)
    for mine, by_hand in zip(
        *(
            torch.autograd.grad(image.square().sum(), list(model.parameters()))
            for image in (answer, expected)
        ),
        strict=True,
    ):
        torch.testing.assert_close(mine, by_hand)


def test_a_maze_on_its_lattice_is_seen_whole() -> None:
    """Pooling 2x2 behind a border of 3 keeps every lattice point, and the answer lands on its pixels."""
    model = LatticeDT(3, 2, width=4)
    points = torch.rand(1, 3, 9, 9).round()
    image = F.pad(points.repeat_interleave(2, 2).repeat_interleave(2, 3), [3] * 4)
    seen: list[Tensor] = []
    model.project.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    answer = model(image, 1)
    assert torch.equal(seen[0], F.pad(points, [2] * 4))
    assert torch.equal(answer[:, :, 3:-3:2, 3:-3:2], answer[:, :, 4:-2:2, 4:-2:2])


def test_the_loop_hands_the_iteration_and_the_recall_to_each_step() -> None:
    class Told(Recurrent):
        def encode(self, x: Tensor) -> tuple[Tensor, ...]:
            return ()

        def recall(self, x: Tensor) -> Tensor:
            return x + 1

        def step(self, state: tuple[Tensor, ...], x: Tensor, t: int) -> tuple[Tensor, ...]:
            return (*state, x + t)

        def decode(self, state: tuple[Tensor, ...], x: Tensor) -> Tensor:
            return torch.stack([*state, x])

    assert Told()(torch.zeros(1), 3).flatten().tolist() == [1, 2, 3, 0]


def test_a_plain_module_is_one_thought() -> None:
    model = adapt(nn.Conv2d(3, 3, 1))
    x = torch.rand(1, 3, 4, 4)
    assert isinstance(model, Once)
    assert model.max_iterations == 1
    assert torch.equal(model(x, 1), model.module(x))


def test_a_function_sees_contiguous_float32_arrays_and_cannot_change_the_image() -> None:
    def meddle(x: np.ndarray) -> np.ndarray:
        assert x.dtype == np.float32
        assert x.flags.c_contiguous
        x *= 0
        return np.broadcast_to(np.float32(0.5), x.shape)  # not writable

    model, x = adapt(meddle), torch.ones(1, 3, 4, 4)
    assert isinstance(model, Plain)
    assert torch.equal(model(x, 1), torch.full((1, 3, 4, 4), 0.5))
    assert torch.equal(x, torch.ones(1, 3, 4, 4))


def test_what_is_neither_module_nor_function_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="got dict"):
        adapt({})


def test_a_method_that_is_missing_is_named() -> None:
    class Half(Recurrent):
        def encode(self, x: Tensor) -> Tensor:
            return x

    with pytest.raises(NotImplementedError, match="Half needs a method step"):
        Half()(torch.rand(1, 3, 4, 4))


def test_a_change_reaches_every_tensor_of_a_nested_state() -> None:
    one = torch.ones(1)
    changed = map_state((one, (one, (one,))), lambda part: part + 1)
    assert changed == (2 * one, (2 * one, (2 * one,)))


@pytest.mark.parametrize("size", [3, 5])
def test_the_median_is_that_of_scipy_with_borders_reflected(size: int) -> None:
    x = torch.rand(2, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    expected = ndimage.median_filter(x.numpy(), size=(1, 1, size, size), mode="mirror")
    np.testing.assert_array_equal(Median(size)(x).numpy(), expected)


def test_the_blur_is_that_of_scipy_with_borders_reflected() -> None:
    x = torch.rand(1, 3, 12, 12, dtype=torch.float32)
    expected = ndimage.gaussian_filter(x.numpy(), (0, 0, 1.0, 1.0), mode="mirror", truncate=4)
    np.testing.assert_allclose(GaussianBlur(1.0)(x).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 4), (4, 20), (20, 3)])
def test_an_image_without_the_pixels_that_a_blur_reflects_is_refused(shape: tuple[int, int]) -> None:
    said = rf"reflects 4 pixels at each border needs at least 5 a side; got {shape[0]} x {shape[1]}"
    with pytest.raises(UserError, match=said):
        GaussianBlur(1.0)(torch.rand(1, 3, *shape))
    assert GaussianBlur(1.0)(torch.rand(1, 3, 5, 5)).shape == (1, 3, 5, 5)


def test_detect_and_interpolate_touches_lost_pixels_alone() -> None:
    torch.manual_seed(0)
    clean = 0.1 + 0.8 * torch.rand(2, 3, 16, 16)
    lost = torch.rand(2, 1, 16, 16) < 0.3
    noisy = torch.where(lost, (torch.rand(2, 1, 16, 16) < 0.5).float(), clean)
    answer = DetectInterpolate()(noisy)
    kept = ~lost.expand_as(clean)
    assert torch.equal(answer[kept], clean[kept])
    assert (answer[~kept] > 0.05).all()
    assert (answer[~kept] < 0.95).all()


def test_a_lost_pixel_in_a_flat_picture_is_restored_exactly() -> None:
    noisy = torch.full((1, 3, 9, 9), 0.4)
    noisy[:, :, 4, 4], noisy[:, :, 0, 0] = 1.0, 0.0
    assert torch.allclose(DetectInterpolate()(noisy), torch.full((1, 3, 9, 9), 0.4), atol=1e-6)


@pytest.mark.parametrize(
    ("at", "weigh"),
    [
        ((9, 9), lambda far: max(0, 2 - far)),
        ((3, 4), lambda far: max(0, 2 - far)),
        ((5, 5), lambda far: math.exp(-(far**2) / 4.5) if far <= 3 else 0),
    ],
)
def test_a_lost_pixel_is_the_mean_of_good_ones_by_1_2_1_and_where_none_is_near_by_a_gaussian_of_1_5(
    at: tuple[int, int], weigh: Callable[[int], float]
) -> None:
    x, good = 0.1 + 0.8 * torch.rand(1, 3, 11, 11), torch.ones(11, 11)
    good[3:8, 3:8] = good[9, 9] = 0
    weights = torch.tensor(
        [[weigh(abs(i - at[0])) * weigh(abs(j - at[1])) for j in range(11)] for i in range(11)]
    )
    expected = (x * good * weights).sum(dim=(2, 3)) / (good * weights).sum()
    torch.testing.assert_close(DetectInterpolate()(x * good)[:, :, at[0], at[1]], expected)


def test_a_pixel_with_no_good_neighbour_anywhere_stays() -> None:
    black = torch.zeros(1, 3, 9, 9)
    assert torch.equal(DetectInterpolate()(black), black)


def test_a_pixel_black_in_one_channel_only_or_of_a_pure_colour_is_no_lost_one() -> None:
    x = torch.full((1, 3, 5, 5), 0.5)
    x[0, 0, 2, 2] = 0.0
    x[0, :, 1, 3] = torch.tensor([0.0, 1.0, 0.0])
    assert torch.equal(DetectInterpolate()(x), x)


def test_a_net_that_learns_when_to_stop_multiplies_the_chances_of_going_on() -> None:
    torch.manual_seed(0)
    model, x = PonderDT(3, 3, width=4), torch.rand(3, 3, 12, 16)
    nn.init.normal_(model.stop.weight)
    state, seen, going = model.encode(x), model.recall(x), torch.ones(3)
    for t in range(4):
        state = model.step(state, seen, t)
        going = going * (1 - model.stop(state[0].mean(dim=(2, 3)))[:, 0].sigmoid())
        assert torch.allclose(model.halt(state, x), 1 - going)
    assert torch.equal(DT.decode(model, state[0], x), model(x, 4))


@pytest.mark.parametrize("state", [0, None, {"now": torch.zeros(1)}], ids=["a number", "None", "a dict"])
def test_a_state_that_is_no_tensor_is_refused_where_samples_leave(state: object) -> None:
    with pytest.raises(UserError, match=rf"each with the batch first; got {type(state).__name__}"):
        map_state((torch.zeros(2, 3), state), torch.clone)


def test_a_sum_of_chances_may_pass_one_by_rounding() -> None:
    model, x = PonderDT(3, 3, width=4), torch.zeros(2, 3, 8, 8)
    model.halt = lambda state, x: torch.tensor([1 + 5e-7, 0.5])  # type: ignore[method-assign]  # for this test
    assert model.halting(None, x).tolist() == [1.0, 0.5]
