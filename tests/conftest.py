"""Small things that many tests share: suites of a few rows, and entries written as text."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is first imported, by the tests that need it

import hubclient
import minihub

from easy2hard import suite as suites
from easy2hard.suite import Suite

_TINY = """
name = "tiny"
version = 1
summary = "Salt and pepper on small pictures."
task = "denoise"
noise = "salt_and_pepper"
images = "dead_leaves"
size = 16
seed = 0
easy = ["0.1"]
hard = ["0.2", "0.3"]
budgets = [1, 2, 3, 5]
answer = "train"
metric = "psnr"
metrics = ["psnr", "ssim"]
licence = "CC0-1.0"
source = "drawn"

[rows]
train = 40
validation = 8
test = 12
quick = 6
"""

_TINY_MAZE = """
name = "tiny-maze"
version = 1
summary = "Small mazes."
task = "maze"
seed = 0
easy = ["7"]
hard = ["9", "11"]
budgets = [1, 2, 4]
answer = "last"
metric = "solved"
metrics = ["solved", "path_iou"]
licence = "CC0-1.0"
source = "drawn"

[rows]
train = 40
validation = 8
test = 12
quick = 6
"""

_ENTRY = '''
"""A small recurrent net."""

import torch
from torch import nn
from easy2hard import Recipe, Recurrent


class Net(Recurrent):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = nn.Conv2d(inputs, 4, 3, padding=1)
        self.again = nn.Conv2d(4 + inputs, 4, 3, padding=1)
        self.last = nn.Conv2d(4, outputs, 3, padding=1)

    def encode(self, x):
        return self.first(x).relu()

    def step(self, state, x, t):
        return self.again(torch.cat([state, x], dim=1)).relu()

    def decode(self, state, x):
        return self.last(state)


def build(task):
    return Net(task.in_channels, task.out_channels)


recipe = Recipe(epochs=1, batch_size=5, lr=3e-3, train_iterations=3)
'''


@pytest.fixture(scope="session", autouse=True)
def vgg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VGG of random weights up to relu2_2, which the loss perceptual finds where it looks for the real ones."""
    draw = np.random.default_rng(0)
    tensors = {}
    for place, (inputs, outputs) in {0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128)}.items():
        weight = draw.normal(0, (2 / (9 * inputs)) ** 0.5, (outputs, inputs, 3, 3))
        tensors[f"features.{place}.weight"] = weight.astype(np.float32)
        tensors[f"features.{place}.bias"] = draw.normal(0, 0.1, outputs).astype(np.float32)
    path = tmp_path_factory.mktemp("vgg") / "vgg.safetensors"
    save_file(tensors, path)
    os.environ["EASY2HARD_VGG16"] = os.environ["EASY2HARD_VGG19"] = str(path)
    return path


@pytest.fixture
def definitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of definitions, with two small suites in the place of the package's own."""
    folder = tmp_path / "generators"
    folder.mkdir()
    (folder / "tiny.toml").write_text(_TINY)
    (folder / "tiny-maze.toml").write_text(_TINY_MAZE)
    monkeypatch.setattr(suites, "folder", lambda: folder)
    return folder


@pytest.fixture
def tiny(definitions: Path) -> Suite:
    """Denoising of pictures of 16x16 pixels; 40, 8 and 12 rows, of which the quick track scores 6."""
    return suites.read("tiny")


@pytest.fixture
def tiny_maze(definitions: Path) -> Suite:
    """Mazes of size 7, 9 and 11 with as many rows."""
    return suites.read("tiny-maze")


@pytest.fixture
def write_entry(tmp_path: Path) -> Callable[..., Path]:
    """Write the code of a small recurrent entry, with some of its text replaced, and hand out its path."""

    def write(*changes: tuple[str, str], name: str = "small.py", code: str = _ENTRY) -> Path:
        for old, new in changes:
            assert old in code
            code = code.replace(old, new)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
        return path

    return write


@pytest.fixture(scope="session")
def _hub_and_client(
    tmp_path_factory: pytest.TempPathFactory,
) -> "Iterator[tuple[minihub.Hub, hubclient.Client]]":
    folder = tmp_path_factory.mktemp("hub")
    hub = minihub.Hub()
    client = hubclient.Client(hub.url, folder)
    yield hub, client
    client.close()
    hub.close()


@pytest.fixture
def hub(_hub_and_client: "tuple[minihub.Hub, hubclient.Client]") -> "Iterator[minihub.Hub]":
    """An empty Hub on this machine."""
    yield _hub_and_client[0]
    _hub_and_client[0].clear()


@pytest.fixture
def client(_hub_and_client: "tuple[minihub.Hub, hubclient.Client]") -> "hubclient.Client":
    """A process whose Hub is `hub`."""
    return _hub_and_client[1]


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers cut into many pieces what they would otherwise do in one."""
    from easy2hard import layers  # imports torch, which most tests do without

    monkeypatch.setattr(layers, "_NUMBERS_AT_ONCE", dict.fromkeys(("cpu", "cuda"), 5000))
