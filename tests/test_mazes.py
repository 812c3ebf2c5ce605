"""The maze engine: the oracle's mazes, the authors' conventions, disjoint splits, bits that never move."""

import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import oracle
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from scipy import stats

from easy2hard import mazes, rng
from easy2hard.mazes import masks
from easy2hard.mazes.hashes import layout_class

U8 = NDArray[np.uint8]
Cell = tuple[int, int]
SPLITS = {"train": (0, 7), "validation": (8, 11), "test": (12, 15)}
AUTHORS = (
    Path(os.environ.get("EASY2HARD_TEST_DATA", "../shared/data")) / "mazes/authors_generator_samples.npz"
)
SIZES = st.integers(3, 8).map(lambda half: 2 * half + 1)
KEYS = st.integers(0, 2**64 - 1)
RANGES = st.sampled_from([(0, 15), *SPLITS.values()])


@settings(deadline=None, max_examples=60)  # the first call compiles
@given(
    SIZES, KEYS, st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=5), RANGES, st.integers(0, 65535)
)
def test_mazes_are_those_of_the_oracle(
    size: int, key: int, indices: list[int], classes: tuple[int, int], stream: int
) -> None:
    drawn = mazes.draw(size, key, np.array(indices), classes, stream)
    hashes = mazes.fingerprints(size, key, np.array(indices), classes, stream)
    assert np.array_equal(drawn[3], hashes)
    for index, image, mask, length, fingerprint in zip(indices, *drawn, strict=True):
        expected = oracle.maze(size, key, index, classes, stream)
        assert (image.tolist(), mask.tolist()) == oracle.picture(expected)
        assert length == 2 * (len(expected.path) - 1)
        assert tuple(fingerprint.tolist()) == oracle.fingerprints(expected)


@pytest.mark.parametrize("size", [7, 9, 11, 13])
@pytest.mark.parametrize("split", SPLITS)
def test_both_engines_draw_the_same_bits(size: int, split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    indices = np.arange(2**40, 2**40 + 2000)
    by_masks = mazes.draw(size, 34, indices, SPLITS[split])
    monkeypatch.setattr(masks, "MOST", 0)
    by_grid = mazes.draw(size, 34, indices, SPLITS[split])
    for number in range(4):
        assert np.array_equal(by_masks[number], by_grid[number])


@pytest.mark.parametrize("size", [33, 59])
def test_large_mazes_are_those_of_the_oracle(size: int) -> None:
    image, mask, *_ = mazes.draw(size, 5, np.arange(3), (12, 15))
    for i in range(3):
        assert (image[i].tolist(), mask[i].tolist()) == oracle.picture(oracle.maze(size, 5, i, (12, 15)))


class Seen(NamedTuple):
    """A maze as its picture shows it."""

    m: int
    start: Cell
    end: Cell
    edges: set[frozenset[Cell]]
    path: set[Cell]  # lattice points that the mask marks


def see(image: U8, mask: U8) -> Seen:
    """Read a picture of 0 and 1, (S, S, 3), and its mask, checking that all of it is in the 2x2 lattice."""
    m = len(image) // 4 - 1
    points, marked = image[3:-3:2, 3:-3:2], mask[3:-3:2, 3:-3:2]
    assert np.array_equal(np.pad(points.repeat(2, 0).repeat(2, 1), ((3, 3), (3, 3), (0, 0))), image)
    assert np.array_equal(np.pad(marked.repeat(2, 0).repeat(2, 1), 3), mask)
    start, end = (np.argwhere((points == colour).all(-1)) for colour in ([0, 1, 0], [1, 0, 0]))
    assert len(start) == len(end) == 1
    white = (points == 1).all(-1)
    assert np.array_equal(white.sum() + 2, points.any(-1).sum())  # nothing is of another colour
    assert white[::2, ::2].sum() == m * m - 2
    assert not white[1::2, 1::2].any()
    level = {frozenset({(int(y), int(x)), (int(y), int(x) + 1)}) for y, x in np.argwhere(white[::2, 1::2])}
    upright = {frozenset({(int(y), int(x)), (int(y) + 1, int(x))}) for y, x in np.argwhere(white[1::2, ::2])}
    path = {(int(y), int(x)) for y, x in np.argwhere(marked)}
    (start_y, start_x), (end_y, end_x) = (start[0] // 2).tolist(), (end[0] // 2).tolist()
    return Seen(m, (start_y, start_x), (end_y, end_x), level | upright, path)


def check_tree_and_path(seen: Seen, length: int) -> None:
    """A tree that reaches every cell has one path between any two, so the mask can mark but one way."""
    around: dict[Cell, list[Cell]] = {}
    for edge in seen.edges:
        a, b = edge
        around.setdefault(a, []).append(b)
        around.setdefault(b, []).append(a)
    came_from, queue = {seen.start: seen.start}, [seen.start]
    for cell in queue:
        for there in around[cell]:
            if there not in came_from:
                came_from[there] = cell
                queue.append(there)
    assert len(seen.edges) == seen.m**2 - 1
    assert len(came_from) == seen.m**2
    path, cell = {(2 * seen.end[0], 2 * seen.end[1])}, seen.end
    while cell != seen.start:
        (y, x), (to_y, to_x) = cell, came_from[cell]
        path |= {(y + to_y, x + to_x), (2 * to_y, 2 * to_x)}
        cell = (to_y, to_x)
    assert seen.path == path
    assert length == len(path) - 1


@pytest.mark.parametrize(("size", "n"), [(7, 300), (9, 300), (13, 200), (33, 30), (59, 10), (201, 1)])
def test_a_maze_is_a_tree_and_its_mask_the_only_path(size: int, n: int) -> None:
    image, mask, length, _ = mazes.draw(size, 21, np.arange(n), SPLITS["train"])
    assert image.shape == (n, 2 * size + 6, 2 * size + 6, 3)
    for i in range(n):
        check_tree_and_path(see(image[i] // 255, mask[i]), int(length[i]))


@pytest.fixture(scope="module")
def authors() -> dict[str, NDArray[np.int32]]:
    if not AUTHORS.is_file():
        pytest.skip(f"the authors' samples are not at {AUTHORS}; set EASY2HARD_TEST_DATA to their folder")
    with np.load(AUTHORS) as samples:
        return {name: samples[name] for name in samples}


@pytest.mark.parametrize("size", [9, 13, 33, 59])
def test_the_authors_pictures_follow_the_same_rules(authors: dict[str, NDArray[np.int32]], size: int) -> None:
    inputs, solutions = authors[f"inputs_{size}"].transpose(0, 2, 3, 1), authors[f"solutions_{size}"]
    for i, (start_x, start_y, end_x, end_y) in enumerate(authors[f"start_end_{size}"].tolist()):
        seen = see(inputs[i].astype(np.uint8), solutions[i].astype(np.uint8))
        check_tree_and_path(seen, int(authors[f"length_{size}"][i]))
        assert (seen.start, seen.end) == ((start_y, start_x), (end_y, end_x))


@pytest.mark.parametrize("size", [9, 13, 33])
def test_path_lengths_are_distributed_as_the_authors_are(
    authors: dict[str, NDArray[np.int32]], size: int
) -> None:
    _, _, length, _ = mazes.draw(size, 22, np.arange(4000), (0, 15))
    assert stats.ks_2samp(length, authors[f"length_{size}"], method="asymp").pvalue > 1e-4


def uniform(counts: NDArray[np.int64]) -> bool:
    return bool(stats.chisquare(counts).pvalue > 1e-4)


@pytest.mark.parametrize("size", [7, 13])
def test_start_and_end_are_a_uniform_pair_of_distinct_cells(size: int) -> None:
    image, *_ = mazes.draw(size, 23, np.arange(60_000), (0, 15))
    lattice = image[:, 3:-3:4, 3:-3:4].reshape(len(image), -1, 3)
    start = (lattice == [0, 255, 0]).all(-1).argmax(1)
    end = (lattice == [255, 0, 0]).all(-1).argmax(1)
    cells = lattice.shape[1]
    pairs = np.bincount(start * cells + end, minlength=cells**2)
    distinct = ~np.eye(cells, dtype=bool).ravel()
    assert pairs[~distinct].sum() == 0
    assert uniform(pairs[distinct])


def test_the_first_move_is_uniform_over_the_neighbours() -> None:
    image, *_ = mazes.draw(7, 24, np.arange(60_000), (0, 15))
    points = image[:, 3:-3:2, 3:-3:2]
    centre = (points[:, 2, 2] == [0, 255, 0]).all(-1)  # rooted at cell (1, 1), all four neighbours free
    alone = points[centre][:, [1, 2, 2, 3], [2, 1, 3, 2], 0] > 0
    alone = alone[alone.sum(1) == 1]  # where the start has one way out, it is the first move
    assert uniform(alone.sum(0))


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_holds_layouts_of_its_classes_alone_and_all_alike(split: str) -> None:
    first, last = SPLITS[split]
    found = mazes.fingerprints(9, 25, np.arange(20_000), (first, last))[:, 2] % mazes.CLASSES
    counts = np.bincount(found.astype(np.int64), minlength=mazes.CLASSES)
    assert counts[:first].sum() + counts[last + 1 :].sum() == 0
    assert uniform(counts[first : last + 1])


def edges_of(image: U8, size: int) -> NDArray[np.bool_]:
    """Which edges a picture shows as open, in the order of `maze_hashes.weights`."""
    m = (size + 1) // 2
    points = np.pad(image[3:-3:2, 3:-3:2].any(-1), ((0, 1), (0, 1)))
    return np.stack([points[::2, 1::2], points[1::2, ::2]], axis=-1).reshape(m, m, 2)


@settings(deadline=None)
@given(size=SIZES, index=st.integers(0, 2**32), turns=st.integers(0, 3), flip=st.booleans())
def test_rotated_and_reflected_layouts_share_their_class(
    size: int, index: int, turns: int, flip: bool
) -> None:
    image = mazes.draw(size, 26, np.array([index]), (0, 15))[0][0]
    turned = np.rot90(image[:, ::-1] if flip else image, turns)
    found = layout_class(edges_of(image, size))
    assert found == mazes.fingerprints(size, 26, np.array([index]), (0, 15))[0, 2] % 16
    assert found == layout_class(edges_of(turned, size))


def test_size_9_repeats_mazes_but_never_across_splits() -> None:
    hashes = {
        split: mazes.fingerprints(9, rng.key(1, 0, "maze", split, "9"), np.arange(20_000), classes)
        for split, classes in SPLITS.items()
    }
    symmetric = [set(found[:, 2].tolist()) for found in hashes.values()]
    assert len(symmetric[0]) < 20_000  # so that what follows is not empty
    assert len(set.union(*symmetric)) == sum(map(len, symmetric))


def test_equal_fingerprints_are_equal_mazes() -> None:
    image, *_ = mazes.draw(7, 27, np.arange(50_000), (0, 7))
    exact = mazes.fingerprints(7, 27, np.arange(50_000), (0, 7))[:, 0]
    first = {pixels.tobytes(): fingerprint for pixels, fingerprint in zip(image, exact.tolist(), strict=True)}
    assert len(first) == len(set(exact.tolist())) < 50_000
    assert all(first[image[i].tobytes()] == exact[i] for i in range(2000))


@settings(deadline=None)
@given(order=st.permutations(range(40)), take=st.integers(1, 40), classes=RANGES)
def test_any_order_and_any_subset_gives_the_same_mazes(
    order: list[int], take: int, classes: tuple[int, int]
) -> None:
    chosen = np.array(order[:take])
    whole, part = mazes.draw(9, 28, np.arange(40), classes), mazes.draw(9, 28, chosen, classes)
    assert all(np.array_equal(a[chosen], b) for a, b in zip(whole, part, strict=True))


def test_threads_draw_the_same_mazes() -> None:
    parts = np.array_split(np.arange(3000), 11)
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda part: mazes.draw(13, 29, part, (12, 15)), parts))
    for whole, *pieces in zip(mazes.draw(13, 29, np.arange(3000), (12, 15)), *drawn, strict=True):
        assert np.array_equal(whole, np.concatenate(pieces))


def test_another_stream_is_another_maze() -> None:
    first, second = (mazes.draw(9, 30, np.arange(50), (0, 7), stream)[0] for stream in (0, 1))
    assert (first != second).any(axis=(1, 2, 3)).all()


def test_no_mazes_are_no_mazes() -> None:
    image, mask, length, _ = mazes.draw(9, 31, np.arange(0), (0, 7))
    assert (image.shape, mask.shape, length.shape) == ((0, 24, 24, 3), (0, 24, 24), (0,))


def test_a_maze_of_size_1001_can_be_drawn() -> None:
    image, mask, length, _ = mazes.draw(1001, 32, np.arange(1), (0, 15))
    assert image.shape == (1, 2008, 2008, 3)
    assert (image.any(-1) >= mask).all()
    assert mask.sum() == 4 * (length[0] + 1)
    assert image.any(-1).sum() == 4 * (2 * 501**2 - 1)


@pytest.mark.parametrize("size", [5, 8, -9])
def test_a_size_that_is_even_or_below_7_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"got {size}"):
        mazes.draw(size, 1, np.arange(1), (0, 7))


@pytest.mark.parametrize("classes", [(-1, 3), (8, 7), (12, 16)])
def test_classes_out_of_range_are_refused(classes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="classes"):
        mazes.draw(9, 1, np.arange(1), classes)


def test_running_out_of_attempts_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mazes, "ATTEMPTS", 1)
    with pytest.raises(RuntimeError, match="none of 1 attempts"):
        mazes.draw(9, 33, np.arange(40), (0, 7))


def digest(size: int) -> str:
    """Of the first 64 images and masks of each split under the keys of suite version 1, seed 0."""
    state = blake2b(digest_size=16)
    for split, classes in SPLITS.items():
        image, mask, *_ = mazes.draw(size, rng.key(1, 0, "maze", split, str(size)), np.arange(64), classes)
        state.update(image.tobytes())
        state.update(mask.tobytes())
    return state.hexdigest()


GOLDEN = {
    9: "0a34942c545e7cdcd44fdbf341b95777",
    13: "e37a225b039a684adfb325385086d00c",
    33: "f08881a099f105fcb48bb281ad917e07",
    59: "acc5bc3469782a93446801dc2ec0c48e",
}


@pytest.mark.parametrize("size", GOLDEN)
def test_mazes_never_move_a_bit(size: int) -> None:
    assert digest(size) == GOLDEN[size]
