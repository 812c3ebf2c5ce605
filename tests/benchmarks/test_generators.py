"""How much faster the engine draws than others do: CPU time, side by side in one process.

    pytest tests/benchmarks/test_generators.py -s

Ours draws other samples in every turn, as a user would: of the same ones a processor learns the branches by heart.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from statistics import median
from typing import Any

import numba
import numpy as np
import peers
import pytest
from ratio import compare, say

from easy2hard import mazes
from easy2hard.noise import gaussian, salt_and_pepper
from easy2hard.rng import kernel

pytestmark = pytest.mark.filterwarnings("ignore")  # the peers' own warnings are not ours to fail on

ALL, TRAIN = (0, 15), (0, 7)  # every layout, as peers draw them; those of the train split, half of them
BATCH = 256  # images


def ours_mazes(size: int, classes: tuple[int, int], n: int) -> Callable[[], object]:
    """Draws the next n mazes, at most 1,000 at once, as `generate` does."""
    batch = min(n, 1000)
    starts = count(0, batch)

    def draw() -> None:
        for first in (next(starts) for _ in range(n // batch)):
            mazes.draw(size, 1, np.arange(first, first + batch), classes)

    return draw


def ours_noise(noise: Any, n: int, batch: int = BATCH) -> Callable[[], object]:
    """Noise of level 0.1 on n images, in batches."""
    clean, starts = peers.images(batch), count(0, batch)

    def draw() -> None:
        for first in (next(starts) for _ in range(n // batch)):
            noise.apply(clean, "0.1", 1, np.arange(first, first + batch))

    return draw


# size, mazes of ours and of the peer in one turn, turns
MAZES = [(9, 20_000, 100, 9), (13, 20_000, 50, 9), (33, 2_000, 10, 9), (59, 1_000, 4, 9), (201, 16, 1, 9)]
MAZES_AND_HUGE = [*MAZES, (801, 10, 1, 1)]
TARGETS = {
    "authors": (1000, 500),
    "maze_dataset": (3000, 1400),
    "mazelib": (500, None),
}  # up to size 13, above


@pytest.mark.parametrize("peer", TARGETS)
@pytest.mark.parametrize(("size", "n", "n_peer", "turns"), MAZES_AND_HUGE)
def test_mazes(benchmark: Any, capsys: Any, size: int, n: int, n_peer: int, turns: int, peer: str) -> None:
    if (peer, size) in (("mazelib", 201), ("mazelib", 801), ("maze_dataset", 801)):
        pytest.skip("this peer takes half a minute or more for one maze of that size")
    draw, ours = getattr(peers, peer)((size + 1) // 2), ours_mazes(size, ALL, n)
    ours(), draw(1)
    target = TARGETS[peer][size > 13]
    name = f"maze {size}, {peer}"
    compare(
        benchmark, capsys, name, ours, lambda: draw(n_peer), target=target, turns=turns, samples=(n, n_peer)
    )


@pytest.mark.parametrize(("size", "n", "n_peer", "turns"), MAZES)
def test_mazes_of_the_train_split(
    benchmark: Any, capsys: Any, size: int, n: int, n_peer: int, turns: int
) -> None:
    draw, ours = peers.authors((size + 1) // 2), ours_mazes(size, TRAIN, n)
    ours(), draw(1)
    name = f"maze {size}, train split, authors"
    compare(
        benchmark, capsys, name, ours, lambda: draw(n_peer), target=None, turns=turns, samples=(n, n_peer)
    )


# noise, peer, how to make it, images at once for those that take batches, target
NOISES: list[tuple[Any, str, Callable[[], Any], int, float | None]] = [
    (salt_and_pepper, "skimage", lambda: peers.skimage("s&p", amount=0.1), BATCH, 120),
    (
        salt_and_pepper,
        "albumentations",
        lambda: peers.albumentations("SaltAndPepper", amount=(0.1, 0.1)),
        BATCH,
        60,
    ),
    (salt_and_pepper, "imagecorruptions", lambda: peers.imagecorruptions("impulse_noise"), BATCH, None),
    (salt_and_pepper, "torch", lambda: partial(peers.torch_salt_and_pepper, batch=BATCH), BATCH, 40),
    (salt_and_pepper, "numpy", lambda: partial(peers.numpy_salt_and_pepper, batch=BATCH), BATCH, 30),
    (gaussian, "skimage", lambda: peers.skimage("gaussian", var=0.01), BATCH, 28),
    (
        gaussian,
        "albumentations",
        lambda: peers.albumentations("GaussNoise", std_range=(0.1, 0.1)),
        BATCH,
        16,
    ),
    (gaussian, "imagecorruptions", lambda: peers.imagecorruptions("gaussian_noise"), BATCH, None),
    (gaussian, "torch, all at once", lambda: partial(peers.torch_gaussian, batch=10_240), 10_240, 22),
    (gaussian, "torch", lambda: partial(peers.torch_gaussian, batch=BATCH), BATCH, 22),
    (gaussian, "numpy", lambda: partial(peers.numpy_gaussian, batch=BATCH), BATCH, 18),
    (gaussian, "numpy, float32", lambda: partial(peers.numpy_gaussian_float32, batch=BATCH), BATCH, 18),
]


def label(noise: Any) -> str:
    return str(noise.__name__).rpartition(".")[2]


@pytest.mark.parametrize(
    ("noise", "peer", "make", "batch", "target"),
    NOISES,
    ids=[f"{label(noise)}-{peer}" for noise, peer, *_ in NOISES],
)
def test_noise(
    benchmark: Any,
    capsys: Any,
    noise: Any,
    peer: str,
    make: Callable[[], Any],
    batch: int,
    target: float | None,
) -> None:
    pytest.importorskip("torch").set_num_threads(1)
    draw, n, n_peer = make(), 20_480, max(batch, 1024)
    ours = ours_noise(noise, n, batch)
    ours(), draw(n_peer)
    name = f"{label(noise)}, {peer}"
    compare(benchmark, capsys, name, ours, lambda: draw(n_peer), target=target, turns=9, samples=(n, n_peer))


@kernel
def spin(n: int) -> int:
    """Work that needs no memory: what two threads can gain at most."""
    x = np.uint64(1)
    for _ in range(n):
        x ^= x << np.uint64(13)
        x ^= x >> np.uint64(7)
        x ^= x << np.uint64(17)
    return int(x)


def speed_up(work: Callable[[], object]) -> float:
    """How much more two threads get done in the same time than one."""
    start = time.perf_counter()
    work()
    alone = time.perf_counter() - start
    threads = [threading.Thread(target=work) for _ in range(2)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 2 * alone / (time.perf_counter() - start)


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("maze 13", ours_mazes(13, TRAIN, 20_000)),
        ("salt_and_pepper", ours_noise(salt_and_pepper, 40_960)),
        ("gaussian", ours_noise(gaussian, 10_240)),
    ],
)
def test_two_threads(benchmark: Any, capsys: Any, name: str, draw: Callable[[], object]) -> None:
    control = partial(spin, 20_000_000)
    draw(), control()
    pairs = [(speed_up(control), speed_up(draw)) for _ in range(7)]
    spinning, drawing = (median(column) for column in zip(*pairs, strict=True))
    share = sorted(ours / most for most, ours in pairs)
    benchmark.extra_info.update(spin=spinning, ours=drawing, cores=numba.config.NUMBA_DEFAULT_NUM_THREADS)
    benchmark.pedantic(draw, rounds=2)
    say(
        capsys,
        f"{name + ', two threads':58} {drawing:9.2f} x, spin loop {spinning:.2f} x: "
        f"{median(share):.2f} of it [{share[0]:.2f}..{share[-1]:.2f}]   target 0.85",
    )
