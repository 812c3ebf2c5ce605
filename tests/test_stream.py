"""Samples drawn on the fly: an endless sequence that workers and machines share out among themselves."""

import pickle
from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor, distributed
from torch.utils.data import DataLoader

from easy2hard import suite as suites
from easy2hard.data import Stream, load, stream
from easy2hard.errors import UserError

MAZE, SALT = suites.read("maze"), suites.read("sp")
ROWS = 12


def mazes(**options: Any) -> Stream:
    """Mazes of size 7, 12 to an epoch."""
    return stream(MAZE, 7, **{"rows": ROWS, **options})


def names(samples: Iterable[tuple[Tensor, Tensor]]) -> list[bytes]:
    """Each sample as bytes, so that samples can be told apart."""
    return [sample[0].numpy().tobytes() for sample in samples]


def unbatched(batches: Iterable[tuple[Tensor, Tensor]]) -> list[bytes]:
    return [name for x, y in batches for name in names(zip(x, y, strict=True))]


def test_the_first_epoch_has_the_bits_of_the_files() -> None:
    files = load(MAZE, 7, "train", rows=ROWS)
    x, target = next(iter(mazes(shuffle=False, batch_size=ROWS)))
    assert torch.equal(x, files.input / 255)
    assert torch.equal(target, files.target)
    assert sorted(names(mazes(epochs=1))) == sorted(names(zip(x, target, strict=True)))


def test_batches_and_samples_are_one_sequence() -> None:
    singles = names(islice(mazes(), 3 * ROWS))
    assert unbatched(islice(mazes(batch_size=5), 7)) == singles[:35]
    assert unbatched(mazes(batch_size=5, epochs=3)) == singles  # the last batch has one sample


def test_every_epoch_has_an_order_of_its_own_that_the_seed_decides() -> None:
    first, second = (names(islice(mazes(fresh=False), ROWS * turn, ROWS * (turn + 1))) for turn in (0, 1))
    assert first != second
    assert sorted(first) == sorted(second)
    assert names(mazes(epochs=1)) == first
    assert names(mazes(epochs=1, seed=1)) != first


def test_fresh_mazes_are_new_in_every_epoch_and_none_is_a_test_maze() -> None:
    seen = names(stream(MAZE, 13, rows=ROWS, epochs=20))  # of size 7 there are too few
    assert len(set(seen)) == len(seen) == 20 * ROWS
    assert not set(seen) & set(names(stream(MAZE, 13, "test", rows=ROWS, epochs=20)))


def test_fresh_noise_falls_on_the_same_images() -> None:
    epochs = list(stream(SALT, 0.1, rows=6, shuffle=False, batch_size=6, epochs=2))
    repeated = list(stream(SALT, 0.1, rows=6, shuffle=False, batch_size=6, epochs=2, fresh=False))
    assert torch.equal(epochs[0][1], epochs[1][1])
    assert not torch.equal(epochs[0][0], epochs[1][0])
    assert torch.equal(repeated[0][0], repeated[1][0])
    assert torch.equal(repeated[0][0], epochs[0][0])


def test_workers_leave_order_and_content_of_batches_as_they_are() -> None:
    alone = unbatched(mazes(batch_size=4, epochs=3))
    loader = DataLoader(mazes(batch_size=4, epochs=3), batch_size=None, num_workers=2)
    assert unbatched(loader) == alone


def test_workers_share_out_single_samples() -> None:
    loader = DataLoader(mazes(epochs=3), batch_size=6, num_workers=2)
    assert sorted(unbatched(loader)) == sorted(names(mazes(epochs=3)))


def test_workers_that_are_not_forked_open_the_task_themselves() -> None:
    travelled = pickle.loads(pickle.dumps(stream(SALT, 0.1, rows=3, epochs=1)))
    assert names(travelled) == names(stream(SALT, 0.1, rows=3, epochs=1))


@pytest.mark.parametrize("batch_size", [None, 4])
def test_processes_take_disjoint_parts_of_the_whole(batch_size: int | None) -> None:
    parts = [list(mazes(epochs=3, batch_size=batch_size, part=(rank, 3))) for rank in range(3)]
    whole = list(mazes(epochs=3, batch_size=batch_size))
    for rank, part in enumerate(parts):
        assert names(part) == names(whole[rank::3])


def test_the_part_of_a_running_process_group_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    assert (
        names(mazes(epochs=1))
        == names(mazes(epochs=1, part=(1, 2)))
        == names(mazes(epochs=1, part=(0, 1)))[1::2]
    )


def test_draws_begin_again_after_their_streams_are_used_up() -> None:
    endless = stream(MAZE, 7, rows=1, batch_size=1, part=(0, 32768))
    first, again = islice(endless, 2)
    assert torch.equal(first[0], again[0])


def test_a_stream_begins_anew_each_time() -> None:
    samples = mazes(epochs=1)
    assert names(samples) == names(samples)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be 1 or more; got 0"),
        ({"epochs": -1}, "epochs must be 1 or more; got -1"),
        ({"rows": 0}, "rows must be 1 or more; got 0"),
        ({"split": "dev"}, "there are: train, validation, test"),
        ({"part": (2, 2)}, r"such as \(0, 4\); got \(2, 2\)"),
    ],
)
def test_what_cannot_be_streamed_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        mazes(**options)


def test_a_level_out_of_range_is_refused() -> None:
    with pytest.raises(UserError, match="odd whole number"):
        stream(MAZE, 8)
