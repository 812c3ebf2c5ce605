"""How others draw the same things: one function each, that draws `n` samples of a kind.

A peer that is not installed is skipped; `pip install easy2hard[bench]` brings them all.
"""

from collections.abc import Callable

import authors_mazes
import numpy as np
import pytest
from numpy.typing import NDArray

Draw = Callable[[int], object]


def authors(m: int) -> Draw:
    """The authors' algorithm, float64 pictures."""
    return lambda n: authors_mazes.dataset(n, m)


def maze_dataset(m: int) -> Draw:
    """Its pictures in the authors' format."""
    package = pytest.importorskip("maze_dataset", exc_type=ImportError)
    from maze_dataset.dataset import rasterized

    def draw(n: int) -> object:
        config = rasterized.RasterizedMazeDatasetConfig(
            name="benchmark", grid_n=m, n_mazes=n, maze_ctor=package.LatticeMazeGenerators.gen_dfs
        )
        mazes = package.MazeDataset.generate(config, gen_parallel=False, verbose=False).mazes
        return rasterized.RasterizedMazeDataset(config, mazes).get_batch(None)

    return draw


def mazelib(m: int) -> Draw:
    """Mazes and their solutions, without pictures."""
    package = pytest.importorskip("mazelib")
    from mazelib.generate.BacktrackingGenerator import BacktrackingGenerator
    from mazelib.solve.BacktrackingSolver import BacktrackingSolver

    def draw(n: int) -> object:
        for _ in range(n):
            maze = package.Maze()
            maze.generator, maze.solver = BacktrackingGenerator(m, m), BacktrackingSolver()
            maze.generate()
            maze.generate_entrances(False, False)
            maze.solve()
        return maze

    return draw


def images(n: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)


def skimage(mode: str, **options: float) -> Draw:
    """scikit-image, one image at a time; float64 results."""
    util = pytest.importorskip("skimage.util")
    clean = images(64)
    return lambda n: [util.random_noise(clean[i % 64], mode=mode, **options) for i in range(n)]


def albumentations(name: str, **options: tuple[float, float]) -> Draw:
    """albumentations, one image at a time; uint8 results."""
    package = pytest.importorskip("albumentations")
    transform = getattr(package, name)(**options, p=1)
    clean = images(64)
    return lambda n: [transform(image=clean[i % 64])["image"] for i in range(n)]


def imagecorruptions(name: str) -> Draw:
    """imagecorruptions, one image at a time, at the severity whose level is nearest; float64 results."""
    package = pytest.importorskip("imagecorruptions", exc_type=ImportError)
    clean = images(64)
    return lambda n: [package.corrupt(clean[i % 64], corruption_name=name, severity=2) for i in range(n)]


def torch_salt_and_pepper(n: int, batch: int) -> object:
    """One uniform number a pixel, two selections; uint8. 256 images at once are the fastest batch."""
    torch = pytest.importorskip("torch")
    clean = torch.from_numpy(images(batch))
    for _ in range(0, n, batch):
        u = torch.rand(batch, 32, 32, 1)
        noisy = torch.where(u < 0.05, 0, torch.where(u > 0.95, 255, clean)).to(torch.uint8)
    return noisy


def torch_gaussian(n: int, batch: int) -> object:
    """Rounded and clipped; uint8. 256 images at once are the fastest batch."""
    torch = pytest.importorskip("torch")
    clean = torch.from_numpy(images(batch))
    for _ in range(0, n, batch):
        noisy = (clean + 25.5 * torch.randn(clean.shape)).round().clamp(0, 255).to(torch.uint8)
    return noisy


def numpy_salt_and_pepper(n: int, batch: int) -> object:
    """As with torch, in float32, the faster one."""
    clean, rng = images(batch), np.random.default_rng(1)
    for _ in range(0, n, batch):
        u = rng.random((batch, 32, 32, 1), np.float32)
        noisy = np.where(u < 0.05, np.uint8(0), np.where(u > 0.95, np.uint8(255), clean))
    return noisy


def numpy_gaussian(n: int, batch: int) -> object:
    """As most would write it, in float64."""
    clean, rng = images(batch), np.random.default_rng(1)
    for _ in range(0, n, batch):
        noisy = np.clip(np.rint(clean + rng.normal(0, 25.5, clean.shape)), 0, 255).astype(np.uint8)
    return noisy


def numpy_gaussian_float32(n: int, batch: int) -> object:
    """In float32, the faster one."""
    clean, rng = images(batch), np.random.default_rng(1)
    for _ in range(0, n, batch):
        z = rng.standard_normal((batch, 32, 32, 3), np.float32)
        noisy = np.clip(np.rint(clean + np.float32(25.5) * z), 0, 255).astype(np.uint8)
    return noisy
