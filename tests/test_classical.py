"""The filters of the literature: the adaptive median, the denoisers of libraries, and K-SVD."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from easy2hard import entry as entries
from easy2hard.entry import TaskSpec
from easy2hard.errors import UserError
from easy2hard.models import k_svd
from easy2hard.models.classical import AdaptiveMedian
from easy2hard.models.k_svd import KSVD
from easy2hard.models.library import BM3D, EstimatedBM3D, NonLocalMeans, Sigma
from easy2hard.models.recurrent import Recurrent, adapt

SPEC = TaskSpec("denoise", 3, 3, "gaussian")
LIBRARIES = {"bm3d": "bm3d", "bm3d-estimated": "bm3d", "non-local-means": "skimage.restoration"}


def model(name: str) -> Recurrent:
    """An entry's model as the harness builds it; skips where the entry's library is not here."""
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name], reason="pip install 'easy2hard[classical]'")
    found = entries.load(name)
    return adapt(found.build(SPEC), found.needs)


def ramp(height: int = 16, width: int = 16) -> Tensor:
    """A slope from left to right, (1, 3, height, width), without an extreme of its own."""
    line = torch.linspace(0.2, 0.8, width)
    return torch.stack([line, line.flip(0), line**2]).view(1, 3, 1, width).repeat(1, 1, height, 1)


def scene(sigma: float = 0.1, images: int = 2) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Clean pictures of waves and an edge (n, 3, 32, 32), and noisy copies, clipped to [0, 1]."""
    draw = np.random.default_rng(0)
    down, right = np.mgrid[:32, :32] / 32
    planes = [0.5 + 0.3 * np.sin(7 * down + c) * np.cos(5 * right) + 0.1 * (down > right) for c in range(3)]
    clean = np.stack([np.stack(planes)] * images).astype(np.float32)
    noisy = np.clip(clean + draw.normal(0, sigma, clean.shape), 0, 1).astype(np.float32)
    return clean, noisy


def error(answer: NDArray[np.float32], clean: NDArray[np.float32]) -> float:
    return float(np.mean((answer - clean) ** 2))


# --- adaptive median ---


def test_the_adaptive_median_repairs_isolated_impulses_and_touches_nothing_else() -> None:
    clean = ramp()
    noisy = clean.clone()
    for row, column, value in ((3, 4, 0.0), (9, 10, 1.0), (12, 2, 1.0)):
        noisy[:, :, row, column] = value
    answer = AdaptiveMedian()(noisy)
    hit = noisy != clean
    assert torch.equal(answer[~hit], clean[~hit])
    assert (answer - clean)[hit].abs().max() < 0.1


def test_the_adaptive_median_leaves_an_image_without_impulses_alone() -> None:
    assert torch.equal(AdaptiveMedian()(ramp()), ramp())


def test_the_adaptive_median_widens_its_window_where_impulses_are_dense() -> None:
    noisy = ramp()
    noisy[:, :, 6:9, 6:9] = 0.0
    assert (AdaptiveMedian(largest=3)(noisy)[:, :, 7, 7] == 0).all()
    assert (AdaptiveMedian(largest=7)(noisy) - ramp()).abs().max() < 0.2


def test_the_adaptive_median_leaves_a_pixel_for_which_no_window_has_a_sound_median() -> None:
    black = torch.zeros(1, 3, 12, 12)
    assert torch.equal(AdaptiveMedian()(black), black)


def test_the_adaptive_median_takes_each_channel_by_itself() -> None:
    noisy = ramp()
    noisy[:, 1, 5, 5] = 1.0
    answer = AdaptiveMedian()(noisy)
    assert torch.equal(answer[:, [0, 2]], noisy[:, [0, 2]])
    assert answer[0, 1, 5, 5] < 0.8


# --- the denoisers of libraries, and K-SVD ---


@pytest.mark.parametrize("name", ["non-local-means", "bm3d", "bm3d-estimated", "k-svd"])
def test_a_denoiser_takes_most_of_the_noise_away(name: str) -> None:
    denoiser = model(name)
    clean, noisy = scene()
    denoiser.tell("0.1")
    answer = denoiser(torch.from_numpy(noisy)).numpy()
    assert answer.dtype == np.float32
    assert error(answer, clean) < 0.2 * error(noisy, clean)


@pytest.mark.parametrize("name", ["bm3d", "k-svd"])
def test_the_level_reaches_a_denoiser_as_sigma_of_images_from_0_to_1(name: str) -> None:
    denoiser = model(name)
    clean, noisy = scene(images=1)
    errors = {}
    for level in ("0.02", "0.1", "0.9"):
        denoiser.tell(level)
        errors[level] = error(denoiser(torch.from_numpy(noisy)).numpy(), clean)
    assert min(errors, key=errors.__getitem__) == "0.1"


def test_bm3d_is_handed_the_level_and_pixels_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    bm3d = pytest.importorskip("bm3d", reason="pip install 'easy2hard[classical]'")
    seen: list[tuple[float, float, float]] = []

    def stand_in(image: NDArray[np.float64], sigma: float, *more: object) -> NDArray[np.float64]:
        seen.append((sigma, image.min(), image.max()))
        return image

    monkeypatch.setattr(bm3d, "bm3d_rgb", stand_in)
    denoiser, (_, noisy) = model("bm3d"), scene(images=1)
    denoiser.tell("0.15")
    assert np.array_equal(denoiser(torch.from_numpy(noisy)).numpy(), noisy)
    assert seen == [(0.15, noisy.min(), noisy.max())]


@pytest.mark.parametrize("name", ["bm3d", "bm3d-estimated", "non-local-means"])
def test_a_denoiser_takes_each_image_by_itself_and_any_number_of_channels(name: str) -> None:
    pytest.importorskip(LIBRARIES[name], reason="pip install 'easy2hard[classical]'")
    denoise = {
        "bm3d": lambda x: BM3D()(x, 0.1),
        "bm3d-estimated": EstimatedBM3D(),
        "non-local-means": NonLocalMeans(),
    }[name]
    _, noisy = scene()
    assert np.array_equal(denoise(noisy)[1:], denoise(noisy[1:]))
    assert denoise(noisy[:1, :1]).shape == (1, 1, 32, 32)


@pytest.mark.parametrize("name", ["bm3d", "bm3d-estimated", "non-local-means", "k-svd"])
def test_a_denoiser_answers_with_numbers_where_an_image_has_no_colour_or_is_flat(name: str) -> None:
    denoiser = model(name)
    grey = np.repeat(scene(images=1)[1][:, :1], 3, axis=1)
    denoiser.tell("0.1")
    answer = denoiser(torch.from_numpy(np.concatenate([grey, np.full_like(grey, 0.5)])))
    assert torch.isfinite(answer).all()
    assert (answer[1] - 0.5).abs().max() < 1e-3


@pytest.mark.parametrize(("name", "least"), [("bm3d", 9), ("bm3d-estimated", 9), ("k-svd", 8)])
def test_an_image_smaller_than_a_denoisers_blocks_is_refused(name: str, least: int) -> None:
    denoiser = model(name)
    denoiser.tell("0.1")
    with pytest.raises(UserError, match=rf"got {least - 1} x 20\. Pad it before\."):
        denoiser(torch.rand(1, 3, least - 1, 20))
    assert denoiser(torch.rand(1, 3, least, least)).shape == (1, 3, least, least)


def test_sizes_that_non_local_means_cannot_have_are_refused() -> None:
    pytest.importorskip("skimage.restoration", reason="pip install 'easy2hard[classical]'")
    for arguments, said in (
        ({"patch": 4}, "patch of non-local means must be an odd whole number, 1 or more; got 4"),
        ({"distance": 0}, "distance of non-local means must be a whole number, 1 or more; got 0"),
        ({"strength": -1.0}, "strength of non-local means must be a finite number, above 0; got -1.0"),
    ):
        with pytest.raises(UserError, match=said):
            NonLocalMeans(**arguments)


@pytest.mark.parametrize("sigma", [0.05, 0.1])
def test_sigma_is_read_off_the_image(sigma: float) -> None:
    pytest.importorskip("skimage.restoration", reason="pip install 'easy2hard[classical]'")
    _, noisy = scene(sigma)
    estimated = Sigma()
    assert estimated(np.moveaxis(noisy[0], 0, -1)) == pytest.approx(sigma, rel=0.15)
    assert estimated(np.full((32, 32, 3), 0.5)) == pytest.approx(1 / 255 / 12**0.5)


@pytest.mark.parametrize("name", LIBRARIES)
def test_without_its_library_an_entry_says_what_to_install(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("bm3d", "skimage.restoration", "pywt"):
        monkeypatch.setitem(sys.modules, module, None)
    shutil.copy(entries.folder() / name / "model.py", tmp_path)  # elsewhere, so that it is imported anew
    with pytest.raises(UserError, match=r"pip install 'easy2hard\[classical\]'") as refused:
        entries.load(tmp_path)
    assert "\n" not in str(refused.value)


# --- inside K-SVD ---


@pytest.fixture
def patches() -> NDArray[np.float64]:
    """Noisy 8x8 patches without their means, and among them one that is nothing but its mean."""
    found = k_svd.cut(scene()[1][0].astype(np.float64), 8)[:200]
    found -= found.mean(axis=1, keepdims=True)
    found[0] = 0
    return found


def left(
    patches: NDArray[np.float64], codes: NDArray[np.float64], atoms: NDArray[np.float64]
) -> NDArray[np.float64]:
    return ((patches - codes @ atoms) ** 2).sum(axis=1)


def test_a_patch_takes_atoms_until_its_residual_is_below_the_noise_and_none_after(
    patches: NDArray[np.float64],
) -> None:
    atoms, allowed = k_svd.cosines(8, 16), (1.15 * 0.1 * 8) ** 2
    codes = k_svd.code(atoms, patches, allowed, 32)
    used = (codes != 0).sum(axis=1)
    assert (left(patches, codes, atoms) <= allowed + 1e-9).all()
    assert used[0] == 0 and used.max() > 2
    for most in range(1, used.max()):
        fewer = k_svd.code(atoms, patches[used == most + 1], allowed, most)
        assert (left(patches[used == most + 1], fewer, atoms) > allowed).all()


def test_the_pursuit_is_that_of_the_textbook(patches: NDArray[np.float64]) -> None:
    atoms, allowed = k_svd.cosines(8, 16), 0.3
    codes = k_svd.code(atoms, patches, allowed, 32)
    for patch, found in zip(patches[:20], codes, strict=False):
        chosen: list[int] = []
        weights, rest = np.zeros(0), patch
        while (rest**2).sum() > allowed:
            chosen.append(int(np.argmax(np.abs(atoms @ rest))))
            weights = np.linalg.lstsq(atoms[chosen].T, patch, rcond=None)[0]
            rest = patch - weights @ atoms[chosen]
        assert found[chosen] == pytest.approx(weights, abs=1e-8)
        assert np.count_nonzero(found) == len(chosen)


def test_no_patch_uses_more_atoms_than_allowed(patches: NDArray[np.float64]) -> None:
    codes = k_svd.code(k_svd.cosines(8, 16), patches, 0.0, 3)
    assert (codes != 0).sum(axis=1).max() == 3


def test_an_update_keeps_atoms_of_unit_length_and_lowers_what_is_left(patches: NDArray[np.float64]) -> None:
    atoms = k_svd.cosines(8, 16)
    codes = k_svd.code(atoms, patches, 0.8, 32)
    before, start, unused = left(patches, codes, atoms).sum(), atoms.copy(), ~codes.any(axis=0)
    k_svd.update(atoms, patches, codes)
    assert left(patches, codes, atoms).sum() < before
    assert np.linalg.norm(atoms, axis=1) == pytest.approx(1)
    assert np.array_equal(atoms[unused], start[unused])


def test_the_dictionary_starts_as_waves_without_a_mean_and_one_constant() -> None:
    atoms = k_svd.cosines(8, 16)
    assert atoms.shape == (256, 64)
    assert np.linalg.norm(atoms, axis=1) == pytest.approx(1)
    assert atoms[0] == pytest.approx(1 / 8)
    assert np.abs(atoms[1:].mean(axis=1)).max() < 1e-12


@pytest.mark.parametrize("weight", [0.0, 2.5])
def test_patches_laid_where_they_were_cut_give_the_image(weight: float) -> None:
    image = scene()[1][0, :, :20].astype(np.float64)
    assert k_svd.lay(k_svd.cut(image, 8), image, 8, weight) == pytest.approx(image)


def test_k_svd_averages_the_noisy_image_in_with_30_over_sigma_in_0_to_255(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights = []
    monkeypatch.setattr(k_svd, "lay", lambda patches, noisy, patch, weight: weights.append(weight) or noisy)
    KSVD(rounds=0)(scene(images=1)[1], 0.1)
    assert weights == [pytest.approx(30 / 25.5)]


def test_k_svd_leaves_64_pixels_the_noise_of_1_15_sigma_and_uses_32_atoms_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[float, int]] = []
    code = k_svd.code

    def noted(
        atoms: NDArray[np.float64], patches: NDArray[np.float64], allowed: float, most: int
    ) -> NDArray[np.float64]:
        asked.append((allowed, most))
        return code(atoms, patches, allowed, most)

    monkeypatch.setattr(k_svd, "code", noted)
    KSVD(rounds=0)(scene(images=1)[1], 0.1)
    assert asked == [(pytest.approx(64 * 1.15**2 * 0.1**2), 32)]
