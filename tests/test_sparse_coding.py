"""The sparse-coding denoisers, CSCNet and Deep K-SVD, and the shrinkage that both are made of."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import authors
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from easy2hard.errors import UserError
from easy2hard.layers import piecewise
from easy2hard.layers.soft_threshold import soft_threshold
from easy2hard.models import cscnet
from easy2hard.models.cscnet import CSCNet, largest_eigenvalue, overlap
from easy2hard.models.deep_ksvd import DeepKSVD, overcomplete_dct
from easy2hard.models.recurrent import Recurrent
from easy2hard.weights import load_weights

NETS: dict[str, Callable[[], Recurrent]] = {
    "cscnet": lambda: CSCNet(filters=9, kernel_size=5, stride=3),
    "thrifty cscnet": lambda: CSCNet(filters=9, kernel_size=5, stride=3, thrifty=True),
    "deep k-svd": lambda: DeepKSVD(patch_size=4, atoms=25),
    "deep k-svd of 3 stages": lambda: DeepKSVD(stages=3, patch_size=4, atoms=25, iterations=2),
}
EVERY = pytest.mark.parametrize("name", NETS)


@pytest.fixture(autouse=True)
def _one_seed() -> None:
    torch.manual_seed(0)


def test_shrinkage_is_the_proximal_map_of_the_absolute_value() -> None:
    x, threshold = torch.linspace(-3, 3, 25), torch.tensor(1.25)
    assert torch.equal(soft_threshold(x, threshold), x.sign() * (x.abs() - threshold).clamp(min=0))


def test_shrinkage_by_a_negative_threshold_at_most_doubles() -> None:
    x = torch.linspace(-3, 3, 25)
    assert torch.equal(soft_threshold(x, torch.tensor(-1.25)), x + x.clamp(-1.25, 1.25))


def test_working_in_pieces_changes_no_bit() -> None:
    x, answer = torch.rand(300, 1000), torch.empty(300, 1000)
    with torch.no_grad():
        assert piecewise(torch.square, answer, x) is answer
    assert torch.equal(answer, x.square())


@EVERY
@pytest.mark.parametrize("shape", [(12, 12), (14, 19)])
def test_a_net_answers_in_the_shape_of_its_image_at_every_iteration(
    name: str, shape: tuple[int, int]
) -> None:
    model, x = NETS[name](), torch.rand(2, 3, *shape)
    assert {tuple(model(x, t).shape) for t in range(4)} == {(2, 3, *shape)}


@EVERY
def test_a_channel_is_an_image_of_its_own(name: str) -> None:
    model, x = NETS[name](), torch.rand(2, 3, 12, 14)
    alone = torch.cat([model(channel, 2) for channel in x.split(1, dim=1)], dim=1)
    assert torch.allclose(model(x, 2), alone, atol=1e-5)


@EVERY
def test_gradients_reach_every_part(name: str) -> None:
    model, x = NETS[name](), torch.rand(2, 3, 12, 14)
    (model(x, 2) - torch.rand_like(x)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@EVERY
@pytest.mark.usefixtures("small_pieces")
def test_a_pass_without_gradients_gives_the_same_answer(name: str) -> None:
    model, x = NETS[name](), torch.rand(2, 3, 12, 14)
    with torch.no_grad():
        answer = model(x, 3)
    assert torch.allclose(answer, model(x, 3), atol=1e-5)


@EVERY
def test_a_step_leaves_its_state_as_it_was(name: str) -> None:
    model, x = NETS[name](), torch.rand(2, 3, 12, 14)
    with torch.no_grad():
        state, seen = model.encode(x), model.recall(x)
        before = state.clone()
        model.decode(model.step(state, seen, 0), x)
    assert torch.equal(state, before)


def by_convolution(model: CSCNet, x: Tensor, unfoldings: int) -> Tensor:
    """The paper's net with torch's convolutions, one shift after the other, on one channel."""
    a, b, c = model.apply_A.weight, model.apply_B.weight, model.apply_C.weight
    threshold, size, stride = model.soft_threshold.threshold, model.kernel_size, model.stride
    height, width = x.shape[-2:]
    below, right = ((size - stride - side) % stride + stride for side in (height, width))

    def shrink(z: Tensor) -> Tensor:
        return (z > threshold) * (z - threshold) + (z < -threshold) * (z + threshold)

    total = torch.zeros_like(x)
    for i in range(stride):
        for j in range(stride):
            image = F.pad(x, [stride - j, right + j, stride - i, below + i], mode="reflect")
            code = shrink(F.conv2d(image, b, stride=stride))
            for _ in range(unfoldings - 1):
                residual = F.conv_transpose2d(code, a, stride=stride) - image
                code = shrink(code - F.conv2d(residual, b, stride=stride))
            picture = F.conv_transpose2d(code, c, stride=stride)
            total += picture[:, :, stride - i : stride - i + height, stride - j : stride - j + width]
    return total / stride**2


@pytest.mark.parametrize(("size", "stride"), [(5, 3), (3, 3), (4, 2)])
def test_cscnet_is_the_convolutional_net_on_every_shift(size: int, stride: int) -> None:
    model, x = CSCNet(filters=9, kernel_size=size, stride=stride), torch.rand(2, 1, 13, 16)
    with torch.no_grad():
        for filters in (model.apply_A, model.apply_B, model.apply_C):  # no longer equal
            filters.weight.add_(0.02 * torch.randn_like(filters.weight))
        model.soft_threshold.threshold.uniform_(-0.02, 0.05)
        assert torch.allclose(model(x, 3), by_convolution(model, x, 4), atol=1e-5)


def test_cscnet_starts_as_three_equal_sets_of_filters_of_spectral_norm_one() -> None:
    model = CSCNet(filters=9, kernel_size=5, stride=3)
    assert torch.equal(model.apply_A.weight, model.apply_B.weight)
    assert torch.equal(model.apply_A.weight, model.apply_C.weight)
    assert float(largest_eigenvalue(model.apply_A.weight, 3)) == pytest.approx(1, abs=0.01)


def test_the_power_method_finds_the_largest_eigenvalue_of_the_dense_matrix() -> None:
    atoms, places = torch.randn(2, 1, 3, 3), cscnet._POWER_GRID
    basis = torch.eye(2 * places**2).view(-1, places, places, 2)
    applied = overlap(basis @ atoms.flatten(1), 3, 2) @ atoms.flatten(1).t()
    largest = torch.linalg.eigvalsh(applied.flatten(1))[-1]
    assert float(largest_eigenvalue(atoms, 2)) == pytest.approx(float(largest), rel=0.01)


@pytest.mark.parametrize(("size", "stride"), [(5, 3), (3, 3), (4, 2)])
def test_overlap_is_fold_and_unfold_with_their_gradient(size: int, stride: int) -> None:
    patches = torch.rand(1, 2, 3, size**2, dtype=torch.double, requires_grad=True)
    columns = patches.flatten(1, 2).transpose(1, 2)
    picture = F.fold(columns, (stride + size, 2 * stride + size), size, stride=stride)
    expected = F.unfold(picture, size, stride=stride).transpose(1, 2).view_as(patches)
    assert torch.allclose(overlap(patches, size, stride), expected)
    assert torch.autograd.gradcheck(lambda part: overlap(part, size, stride), patches)


def identity_cscnet(thrifty: bool = False) -> CSCNet:
    """Atoms of a single pixel each, side by side, and no shrinkage."""
    model = CSCNet(filters=16, kernel_size=4, stride=4, threshold=0, thrifty=thrifty)
    for filters in (model.apply_A, model.apply_B, model.apply_C):
        filters.weight = nn.Parameter(torch.eye(16).view(16, 1, 4, 4))
    return model


@pytest.mark.parametrize("thrifty", [True, False])
def test_the_shifts_of_an_untouched_image_average_to_it(thrifty: bool) -> None:
    model, x = identity_cscnet(thrifty), torch.rand(2, 3, 13, 15)
    assert torch.allclose(model(x, 2), x, atol=1e-6)


def test_a_thrifty_cscnet_trains_on_a_shift_of_each_row_and_answers_with_all() -> None:
    model, x = CSCNet(filters=4, thrifty=True), torch.rand(1, 1, 24, 24)
    assert model.encode(x).shape[1] == 8
    assert {i for i, _ in model._shifts()} == {j for _, j in model._shifts()} == set(range(8))
    assert model.eval().encode(x).shape[1] == 64
    assert CSCNet(filters=4).encode(x).shape[1] == 64


def test_unfolding_cscnet_never_raises_the_objective_of_its_sparse_code() -> None:
    model, x = CSCNet(filters=20, kernel_size=5, stride=3, threshold=0.02), torch.rand(1, 1, 20, 20)
    with torch.no_grad():
        state, seen = model.encode(x), model.recall(x)
        picture = inside_each_patch_once(seen, model)
        objectives = []
        for t in range(30):
            state = model.step(state, seen, t)
            made = overlap(model.apply_A.synthesis(state), 5, 3)
            error = (inside_each_patch_once(made, model) - picture).square().sum() / 2
            objectives.append(float(error + 0.02 * state.abs().sum()))
    assert all(later <= sooner + 1e-4 for sooner, later in pairwise(objectives))
    assert objectives[-1] < 0.9 * objectives[0]


def inside_each_patch_once(patches: Tensor, model: CSCNet) -> Tensor:
    """The picture of which overlapping patches were cut, each pixel divided by how many patches hold it."""
    size, stride = model.kernel_size, model.stride
    sides = [(places - 1) * stride + size for places in patches.shape[2:4]]
    columns = patches.flatten(0, 1).flatten(1, 2).transpose(1, 2)
    sums, counts = (F.fold(part, sides, size, stride=stride) for part in (columns, torch.ones_like(columns)))
    return sums / counts


def shrinking_by(model: DeepKSVD, strength: float) -> DeepKSVD:
    """The net with the same lambda for every patch."""
    with torch.no_grad():
        last = model.get_submodule("linear4")
        last.weight.zero_()
        last.bias.fill_(strength)
    return model


def test_a_step_of_deep_ksvd_is_that_of_lista_over_its_dictionary() -> None:
    model, x = DeepKSVD(patch_size=4, atoms=25), torch.rand(2, 3, 9, 9)
    patches, shrink = model.recall(x)
    code, dictionary, c = torch.randn(2, 3 * 36, 25), model.Dict, model.c
    contraction = torch.eye(25) - dictionary.t() @ dictionary / c
    expected = soft_threshold(code @ contraction.t() + patches @ dictionary / c, shrink)
    assert torch.allclose(model.step(code, (patches, shrink), 0), expected, atol=1e-5)


def test_deep_ksvd_before_and_after_its_steps_is_that_of_its_code_written_out() -> None:
    model, x = DeepKSVD(patch_size=4, atoms=25), torch.rand(2, 3, 9, 9)
    grey = (2 * x - 1).view(6, 1, 9, 9)
    patches = F.unfold(grey, 4).transpose(1, 2)
    hidden = patches
    for layer in (model.get_submodule(f"linear{number}") for number in (1, 2, 3)):
        hidden = F.linear(hidden, layer.weight, layer.bias).relu()
    last = model.get_submodule("linear4")
    shrink = F.linear(hidden, last.weight, last.bias) / model.c
    start = soft_threshold(patches @ model.Dict, shrink)
    assert torch.allclose(model.encode(x).view_as(start), start, atol=1e-5)
    code = 3 * torch.randn(2, 3 * 36, 25)
    drawn = (code.view(6, 36, 25) @ model.Dict.t()).clamp(-1, 1).transpose(1, 2)
    weight = model.w.view(1, 16, 1).expand(6, 16, 36)
    averaged = F.fold(weight * drawn, (9, 9), 4) / F.fold(weight, (9, 9), 4)
    assert torch.allclose(model.decode(code, x), (averaged.view_as(x) + 1) / 2, atol=1e-4)


def test_the_weights_of_a_patchs_pixels_start_a_tenth_around_one() -> None:
    weights = DeepKSVD(patch_size=16, atoms=25).w.detach()
    assert float(weights.mean()) == pytest.approx(1, abs=0.05)
    assert float(weights.std()) == pytest.approx(0.1, rel=0.2)


def test_unfolding_deep_ksvd_never_raises_the_objective_of_its_sparse_code() -> None:
    model, x = shrinking_by(DeepKSVD(), 0.05), torch.rand(1, 1, 12, 12)
    with torch.no_grad():
        state, seen = model.encode(x), model.recall(x)
        objectives = []
        for t in range(30):
            state = model.step(state, seen, t)
            error = (state @ model.Dict.t() - seen[0]).square().sum() / 2
            objectives.append(float(error + 0.05 * state.abs().sum()))
    assert all(later <= sooner + 1e-4 for sooner, later in pairwise(objectives))
    assert objectives[-1] < 0.9 * objectives[0]


def test_the_average_of_untouched_patches_is_the_image() -> None:
    model, x = DeepKSVD(), torch.rand(2, 3, 11, 14)
    patches, _ = model.recall(x)
    code = patches @ torch.linalg.pinv(model.Dict).t()
    assert torch.allclose(model.decode(code, x), x, atol=1e-4)


def test_a_second_stage_denoises_what_the_first_answered() -> None:
    both, x = DeepKSVD(stages=2, patch_size=4, atoms=25, iterations=3), torch.rand(2, 3, 9, 10)
    first, second = DeepKSVD(patch_size=4, atoms=25), DeepKSVD(patch_size=4, atoms=25)
    tensors = both.state_dict()
    layers = [name for name in first.state_dict() if name.startswith("linear")]
    shared = {"Dict": tensors["Dict"], "c": tensors["c"]}
    first.load_state_dict(shared | {"w": tensors["w_1"]} | {name: tensors[name] for name in layers})
    of_second = {name: tensors[name.replace(".", "_2.")] for name in layers}
    second.load_state_dict(shared | {"w": tensors["w_2"]} | of_second)
    assert torch.allclose(both(x, 5), second(first(x, 3), 5), atol=1e-5)


def test_the_dictionary_starts_as_cosines_of_norm_one() -> None:
    dictionary = overcomplete_dct(8, 256)
    assert dictionary.shape == (64, 256)
    assert torch.allclose(dictionary.norm(dim=0), torch.ones(256))
    assert torch.allclose(dictionary[:, 0], torch.full((64,), 1 / 8))
    assert torch.allclose(dictionary[:, 1:].sum(dim=0), torch.zeros(255), atol=1e-5)
    largest = torch.linalg.eigvalsh(dictionary @ dictionary.t())[-1]
    assert DeepKSVD().c.item() == pytest.approx(largest.item())


@pytest.mark.parametrize(
    ("build", "shapes"),
    [
        (CSCNet, authors.CSCNET),
        (DeepKSVD, authors.deep_ksvd(1)),
        (lambda: DeepKSVD(stages=2), authors.deep_ksvd(2)),
        (lambda: DeepKSVD(stages=3), authors.deep_ksvd(3)),
    ],
    ids=["cscnet", "deep-ksvd", "deep-ksvd-2", "deep-ksvd-3"],
)
def test_a_file_in_the_authors_form_loads_as_it_is(
    build: Callable[[], Recurrent], shapes: dict[str, tuple[int, ...]], tmp_path: Path
) -> None:
    tensors = {name: torch.rand(shape) for name, shape in shapes.items()}
    torch.save(tensors, tmp_path / "published.pt")
    model = build()
    load_weights(model, tmp_path / "published.pt")
    held = model.state_dict()
    assert held.keys() == tensors.keys()
    assert all(torch.equal(held[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("shape", [(16, 32), (32, 20)])
def test_an_image_without_room_for_the_border_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=rf"pixels needs more .* got {shape[0]} x {shape[1]}\. Sides of 23"):
        CSCNet(filters=4).encode(torch.rand(1, 3, *shape))


def test_every_side_from_the_promised_one_on_has_room_for_the_border() -> None:
    model = CSCNet(filters=1)
    assert all(model(torch.rand(1, 1, side, 23), 0).shape[2] == side for side in range(23, 32))


def test_an_image_smaller_than_a_patch_is_refused() -> None:
    with pytest.raises(UserError, match=r"patches of 8 x 8 need an image of that size at least; got 7 x 9\."):
        DeepKSVD().encode(torch.rand(1, 3, 7, 9))
    assert DeepKSVD()(torch.rand(1, 3, 8, 8), 1).shape == (1, 3, 8, 8)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UserError, match="got kernel_size 11 and stride 5"):
        CSCNet(stride=5)
    with pytest.raises(UserError, match="their number is a square; got 250"):
        DeepKSVD(atoms=250)
