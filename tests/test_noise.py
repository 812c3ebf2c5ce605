"""The noises: their rule against plain-Python oracles, their statistics, and bits that must never move."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import pairwise
from math import erfc, sqrt
from types import ModuleType

import numpy as np
import oracle
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from easy2hard import rng, shelf
from easy2hard.errors import UserError
from easy2hard.noise import gaussian, salt_and_pepper

U8 = NDArray[np.uint8]
BOTH = pytest.mark.parametrize("noise", [salt_and_pepper, gaussian])
KEYS = st.integers(0, 2**64 - 1)
INDICES = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4)
LEVELS = st.decimals("0.001", "1", places=4).map(str)
SIDES = st.integers(1, 5)


def images(n: int, side: int = 32) -> U8:
    """Images that hold every grey level, from words of a key that no suite has."""
    return rng.words(0, np.arange(n), side * side * 3).astype(np.uint8).reshape(n, side, side, 3)


@settings(deadline=None)  # the first call compiles
@given(data=st.data(), level=LEVELS, key=KEYS, indices=INDICES, stream=st.integers(0, 65535))
def test_salt_and_pepper_is_the_oracle(
    data: st.DataObject, level: str, key: int, indices: list[int], stream: int
) -> None:
    shape = (len(indices), data.draw(SIDES), data.draw(SIDES), data.draw(st.integers(1, 4)))
    clean = data.draw(arrays(np.uint8, shape))
    noisy = salt_and_pepper.apply(clean, level, key, np.array(indices), stream)
    for before, after, index in zip(clean, noisy, indices, strict=True):
        pixels = before.reshape(-1, shape[3]).tolist()
        expected = oracle.salt_and_pepper(pixels, level, key, index, stream)
        assert after.reshape(-1, shape[3]).tolist() == expected


@settings(deadline=None)  # the first call compiles
@given(data=st.data(), level=LEVELS, key=KEYS, indices=INDICES, stream=st.integers(0, 65535))
def test_gaussian_is_the_oracle(
    data: st.DataObject, level: str, key: int, indices: list[int], stream: int
) -> None:
    shape = (len(indices), data.draw(SIDES), data.draw(SIDES), data.draw(st.integers(1, 4)))
    clean = data.draw(arrays(np.uint8, shape))
    table = [part.tolist() for part in gaussian.alias_table(gaussian.normalise(level))]
    noisy = gaussian.apply(clean, level, key, np.array(indices), stream)
    for before, after, index in zip(clean, noisy, indices, strict=True):
        assert after.ravel().tolist() == oracle.gaussian(before.ravel().tolist(), *table, key, index, stream)


@BOTH
@settings(deadline=None)  # the first call compiles
@given(order=st.permutations(range(10)), take=st.integers(1, 10))
def test_an_image_has_the_same_noise_in_any_order_and_company(
    noise: ModuleType, order: list[int], take: int
) -> None:
    clean, chosen = images(10, side=5), np.array(order[:take])
    whole = noise.apply(clean, "0.3", 5, np.arange(10))
    assert np.array_equal(noise.apply(clean[chosen], "0.3", 5, chosen), whole[chosen])


@BOTH
def test_threads_draw_the_same_noise(noise: ModuleType) -> None:
    clean, parts = images(600), np.array_split(np.arange(600), 7)
    with ThreadPoolExecutor(4) as pool:
        drawn = pool.map(lambda part: noise.apply(clean[part], "0.3", 5, part), parts)
    assert np.array_equal(np.concatenate(list(drawn)), noise.apply(clean, "0.3", 5, np.arange(600)))


@BOTH
def test_another_stream_is_another_noisy_copy(noise: ModuleType) -> None:
    clean = images(20)
    copies = [noise.apply(clean, "0.3", 5, np.arange(20), stream) for stream in (0, 1)]
    assert all((a != b).any() for a, b in zip(*copies, strict=True))


@BOTH
def test_the_clean_images_are_left_as_they_are(noise: ModuleType) -> None:
    clean = images(3)
    noise.apply(clean, "0.3", 5, np.arange(3))
    assert np.array_equal(clean, images(3))


@BOTH
def test_images_that_are_a_view_get_the_same_noise(noise: ModuleType) -> None:
    clean = images(6)[::2, :, ::-1]
    drawn = noise.apply(clean, "0.1", 5, np.arange(3))
    assert np.array_equal(drawn, noise.apply(clean.copy(), "0.1", 5, np.arange(3)))


@BOTH
@pytest.mark.parametrize(
    "clean", [np.zeros((2, 4, 4, 3)), np.zeros((2, 4, 4), np.uint8), np.zeros((3, 4, 4, 3), np.uint8)]
)
def test_images_that_are_not_uint8_nhwc_with_an_index_each_are_refused(noise: ModuleType, clean: U8) -> None:
    with pytest.raises(UserError, match="uint8 images"):
        noise.apply(clean, "0.1", 1, np.arange(2))


@BOTH
@pytest.mark.parametrize(("level", "canonical"), [("0.10", "0.1"), (0.1, "0.1"), (1, "1"), ("1e-2", "0.01")])
def test_a_level_becomes_a_canonical_decimal(noise: ModuleType, level: str | float, canonical: str) -> None:
    assert noise.normalise(level) == canonical


@BOTH
@pytest.mark.parametrize("level", [0, -0.1, 1.01, "25", "nan", "inf", "a lot"])
def test_a_level_out_of_range_is_refused_with_its_value(noise: ModuleType, level: str | float) -> None:
    with pytest.raises(UserError, match=str(level).replace("-", r"\-")):
        noise.normalise(level)


def test_a_share_too_small_for_a_word_is_refused() -> None:
    with pytest.raises(UserError, match="above 0"):
        salt_and_pepper.normalise("1e-10")


@pytest.mark.parametrize("level", ["0.1", "0.3", "1"])
def test_salt_and_pepper_loses_its_share_half_to_black_half_to_white(level: str) -> None:
    clean = np.full((1000, 32, 32, 3), 100, np.uint8)
    noisy = salt_and_pepper.apply(clean, level, 11, np.arange(1000))
    assert (noisy == noisy[..., :1]).all()  # a pixel is lost with all its channels
    counts = [int((noisy[..., 0] == value).sum()) for value in (0, 255)]
    for count in counts:
        assert stats.binomtest(count, 1000 * 1024, float(level) / 2).pvalue > 1e-4
    assert set(np.unique(noisy)) == {0, 255} | ({100} if level != "1" else set())


def test_salt_and_pepper_loses_pixels_everywhere_alike() -> None:
    clean = np.full((4000, 16, 16, 1), 100, np.uint8)
    lost = (salt_and_pepper.apply(clean, "0.3", 12, np.arange(4000)) != 100).sum(axis=0).ravel()
    variance = 4000 * 0.3 * 0.7
    assert stats.chi2.sf(((lost - 1200.0) ** 2 / variance).sum(), lost.size) > 1e-4


def exact_chances(sigma: float) -> NDArray[np.float64]:
    """P(k) of the discrete Gaussian for k = -255..255, by the C library's erfc: good to about 1e-16."""
    above = [erfc((k + 0.5) / (255 * sigma * sqrt(2))) / 2 for k in range(255)]
    side = [a - b for a, b in pairwise(above)] + [above[-1]]
    return np.array([*reversed(side), 1 - 2 * above[0], *side])


def table_weights(level: str) -> list[int]:
    """What a word is worth to each k = -256..255, summed over the columns of the alias table."""
    weights = [0] * 512
    limit, low_high = (part.tolist() for part in gaussian.alias_table(level))
    for column in range(512):
        height = limit[column] - (column << 23)
        weights[low_high[2 * column] + 256] += height
        weights[low_high[2 * column + 1] + 256] += 2**23 - height
    return weights


@pytest.mark.parametrize("level", ["0.01", "0.05", "0.1", "0.3", "1"])
def test_the_alias_table_holds_the_gaussian_to_32_bits(level: str) -> None:
    weights = np.array(table_weights(level), np.float64)
    expected = exact_chances(float(level)) * 2**32
    assert weights[0] == 0  # k = -256 stands for nothing
    assert np.abs(weights[1:] - expected)[np.arange(511) != 255].max() < 0.5001
    assert weights.sum() == 2**32


@settings(deadline=None, max_examples=20)
@given(level=LEVELS)
def test_every_alias_table_is_symmetric_and_whole(level: str) -> None:
    weights = table_weights(gaussian.normalise(level))
    assert sum(weights) == 2**32
    assert weights[1:] == weights[:0:-1]


@pytest.mark.parametrize("level", ["0.05", "0.1", "0.3"])
def test_gaussian_noise_passes_chi_square_against_exact_chances(level: str) -> None:
    clean = np.zeros((1000, 64, 64, 2), np.uint8)
    clean[..., 1] = 255  # one channel shows k >= 0, the other k <= 0
    noisy = gaussian.apply(clean, level, 13, np.arange(1000)).astype(np.int64)
    for k in (noisy[..., 0], 255 - noisy[..., 1]):
        counts = np.bincount(k.ravel(), minlength=256).astype(np.float64)
        chances = exact_chances(float(level))[255:].copy()
        chances[0] = 1 - chances[1:].sum()  # half of the noise is clipped away to 0
        kinds = int((chances * k.size >= 10).sum())  # the values beyond are counted with the last of these
        observed = np.append(counts[: kinds - 1], counts[kinds - 1 :].sum())
        expected = np.append(chances[: kinds - 1], chances[kinds - 1 :].sum()) * k.size
        assert stats.chi2.sf(((observed - expected) ** 2 / expected).sum(), kinds - 1) > 1e-4


def test_channels_get_noise_of_their_own() -> None:
    clean = np.full((200, 32, 32, 3), 128, np.uint8)
    noise = gaussian.apply(clean, "0.1", 14, np.arange(200)).astype(np.float64) - 128
    correlations = np.corrcoef(noise.reshape(-1, 3).T)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 4 / sqrt(200 * 1024)


def digest(draw: Callable[..., U8], name: str, level: str) -> str:
    """Of the first 64 images of each split under the keys of suite version 1, seed 0."""
    state = blake2b(digest_size=16)
    for split in ("train", "validation", "test"):
        key = rng.key(1, 0, f"noise/{name}", split, level)
        state.update(draw(images(64), level, key, np.arange(64)).tobytes())
    return state.hexdigest()


GOLDEN = {
    ("salt_and_pepper", "0.1"): "0767c63c45f8d6793f0ff4412abb4ff3",
    ("salt_and_pepper", "0.3"): "0317ba05cdea3e58d1bf830e512a6d0d",
    ("gaussian", "0.05"): "231edb1ff4e4b40dae9ce3f87c75ceed",
    ("gaussian", "0.1"): "52a63f545af1080264e57bca082ad51c",
    ("gaussian", "0.3"): "5e743868b80148b89538c4b9ee6a0273",
}


@pytest.mark.parametrize(("name", "level"), GOLDEN)
def test_noise_never_moves_a_bit(name: str, level: str) -> None:
    noise = shelf.take("noise", name)
    assert digest(noise.apply, name, level) == GOLDEN[name, level]


def test_the_tables_of_the_suites_never_move_a_bit() -> None:
    assert {level: gaussian.stamp(level)["table"] for level in ("0.05", "0.1", "0.3")} == {
        "0.05": "c3fbe9dfffb1d17c4f667cd37fe8c9d9",
        "0.1": "3950cea7a16af885a176c6cc466ad75c",
        "0.3": "9f9a12dd93ab2ea9217013e8cb675b74",
    }
