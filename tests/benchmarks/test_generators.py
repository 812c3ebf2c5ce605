"""How much faster the engine draws than others do: CPU time, side by side in one process.

Ours and the peer take turns; the figure is the median of the ratios of neighbouring turns. A gate is the least that
continuous integration accepts, some 40 % of what a quiet machine shows. Run with `pytest tests/benchmarks -s`.
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numba
import numpy as np
import peers
import pytest

from easy2hard.noise import gaussian, salt_and_pepper
from easy2hard.rng import kernel
from easy2hard.tasks import _maze_engine

pytestmark = pytest.mark.filterwarnings("ignore")  # the peers' own warnings are not ours to fail on

Draw = Callable[[int], object]
TURNS, TURN = 7, 0.05  # how many of each, and how many seconds the shortest takes
ALL, TRAIN = (0, 15), (0, 7)  # every layout, as peers draw them; those of the train split, half of them


def ours_mazes(size: int, classes: tuple[int, int]) -> Draw:
    return lambda n: _maze_engine.draw(size, 1, np.arange(n), classes)


def ours_noise(noise: Any, level: str) -> Draw:
    clean = peers.images(256)
    return lambda n: [noise.apply(clean, level, 1, np.arange(256)) for _ in range(0, n, 256)]


def seconds(draw: Draw, n: int) -> float:
    """CPU time of one sample, all threads of the process together; draws for a while, as a user would."""
    start, calls = time.process_time(), 0
    while time.process_time() - start < TURN:
        draw(n)
        calls += 1
    return (time.process_time() - start) / (calls * n)


def compare(benchmark: Any, capsys: Any, name: str, ours: tuple[Draw, int], peer: tuple[Draw, int]) -> float:
    """Store and print both times and their ratio; returns the ratio."""
    for draw, n in (ours, peer):
        draw(min(n, 256))  # compiles, allocates
    pairs = [(seconds(*ours), seconds(*peer)) for _ in range(TURNS)]
    ratios = sorted(theirs / mine for mine, theirs in pairs)
    figures = {
        "ours_us": median(mine for mine, _ in pairs) * 1e6,
        "peer_us": median(theirs for _, theirs in pairs) * 1e6,
        "ratio": median(ratios),
    }
    benchmark.extra_info.update(figures, ratio_least=ratios[0], ratio_most=ratios[-1])
    benchmark.pedantic(ours[0], (ours[1],), rounds=5, warmup_rounds=1)
    with capsys.disabled():
        print(
            f"\n{name:42} {figures['ours_us']:10.3f} us {figures['peer_us']:12.1f} us "
            f"{figures['ratio']:8.0f} x [{ratios[0]:.0f}..{ratios[-1]:.0f}]",
            end=" ",
        )
    return figures["ratio"]


# size, mazes of ours and of the peer in one turn
MAZES = [(9, 2048, 100), (13, 1024, 50), (33, 256, 10), (59, 64, 4), (201, 16, 1)]
GATES = {"authors": (400, 200), "maze_dataset": (1200, 600), "mazelib": (200, 200)}  # up to size 13, above


@pytest.mark.parametrize("peer", GATES)
@pytest.mark.parametrize(("size", "n", "n_peer"), MAZES, ids=[f"{size}" for size, _, _ in MAZES])
def test_mazes_are_drawn_faster(
    benchmark: Any, capsys: Any, size: int, n: int, n_peer: int, peer: str
) -> None:
    if (peer, size) == ("mazelib", 201):
        pytest.skip("mazelib takes half a minute for one maze of size 201")
    draw = getattr(peers, peer)((size + 1) // 2)
    ratio = compare(benchmark, capsys, f"maze {size}, {peer}", (ours_mazes(size, ALL), n), (draw, n_peer))
    assert ratio > GATES[peer][size > 13]


@pytest.mark.parametrize(("size", "n", "n_peer"), MAZES, ids=[f"{size}" for size, _, _ in MAZES])
def test_mazes_of_the_train_split_are_drawn_faster(
    benchmark: Any, capsys: Any, size: int, n: int, n_peer: int
) -> None:
    peer = peers.authors((size + 1) // 2)
    ratio = compare(
        benchmark, capsys, f"maze {size}, train split, authors", (ours_mazes(size, TRAIN), n), (peer, n_peer)
    )
    assert ratio > GATES["authors"][size > 13] / 2


# noise, peer, how to make it, its images in one turn, gate; level 0.1 throughout
NOISES: list[tuple[Any, str, Callable[[], Draw], int, float]] = [
    (salt_and_pepper, "skimage", partial(peers.skimage, "s&p", amount=0.1), 256, 50),
    (
        salt_and_pepper,
        "albumentations",
        partial(peers.albumentations, "SaltAndPepper", amount=(0.1, 0.1)),
        256,
        25,
    ),
    (salt_and_pepper, "imagecorruptions", partial(peers.imagecorruptions, "impulse_noise"), 256, 50),
    (salt_and_pepper, "torch", lambda: peers.torch_salt_and_pepper, 1024, 12),
    (salt_and_pepper, "numpy", lambda: peers.numpy_salt_and_pepper, 1024, 10),
    (gaussian, "skimage", partial(peers.skimage, "gaussian", var=0.01), 256, 12),
    (gaussian, "albumentations", partial(peers.albumentations, "GaussNoise", std_range=(0.1, 0.1)), 256, 7),
    (gaussian, "imagecorruptions", partial(peers.imagecorruptions, "gaussian_noise"), 256, 12),
    (gaussian, "torch", lambda: peers.torch_gaussian, 1024, 2),
    (gaussian, "numpy", lambda: peers.numpy_gaussian, 1024, 5),
]


def label(noise: Any) -> str:
    return str(noise.__name__).rpartition(".")[2]


@pytest.mark.parametrize(
    ("noise", "peer", "make", "n_peer", "gate"),
    NOISES,
    ids=[f"{label(noise)}-{peer}" for noise, peer, *_ in NOISES],
)
def test_noise_is_drawn_faster(
    benchmark: Any, capsys: Any, noise: Any, peer: str, make: Callable[[], Draw], n_peer: int, gate: float
) -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    ratio = compare(
        benchmark, capsys, f"{label(noise)}, {peer}", (ours_noise(noise, "0.1"), 1024), (make(), n_peer)
    )
    assert ratio > gate


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
        ("maze 13", partial(ours_mazes(13, TRAIN), 20_000)),
        ("salt_and_pepper", partial(ours_noise(salt_and_pepper, "0.1"), 40_960)),
        ("gaussian", partial(ours_noise(gaussian, "0.1"), 10_240)),
    ],
)
def test_two_threads_gain_what_a_spin_loop_gains(
    benchmark: Any, capsys: Any, name: str, draw: Callable[[], object]
) -> None:
    control = partial(spin, 20_000_000)
    draw(), control()
    pairs = [(speed_up(control), speed_up(draw)) for _ in range(TURNS)]
    spinning, drawing = (median(column) for column in zip(*pairs, strict=True))
    benchmark.extra_info.update(spin=spinning, ours=drawing, cores=numba.config.NUMBA_DEFAULT_NUM_THREADS)
    benchmark.pedantic(draw, rounds=2)
    with capsys.disabled():
        print(f"\n{name + ', two threads':42} {drawing:.2f} x, spin loop {spinning:.2f} x", end=" ")
    assert max(ours / most for most, ours in pairs) > 0.85
