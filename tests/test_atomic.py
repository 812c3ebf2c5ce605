"""A file is whole or not there, whatever happens while it is written."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from easy2hard import atomic
from easy2hard.errors import UserError

_KILLED = """
import os, signal, sys
from pathlib import Path
from easy2hard import atomic
with atomic.replacing(Path(sys.argv[1])) as temporary:
    temporary.write_text("half of the n")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "file.txt"
    path.write_text("old")
    return path


def test_a_file_is_written_under_folders_that_it_makes(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.txt"
    atomic.write_text(path, "neu\nä")
    assert path.read_bytes() == "neu\nä".encode()
    assert os.listdir(path.parent) == ["file.txt"]


def test_a_block_that_succeeds_replaces_the_file(old: Path) -> None:
    with atomic.replacing(old) as temporary:
        temporary.write_text("new")
        assert old.read_text() == "old"  # until the end
    assert old.read_text() == "new"
    assert os.listdir(old.parent) == ["file.txt"]


@pytest.mark.parametrize("reason", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(
    old: Path, reason: type[BaseException]
) -> None:
    def write() -> None:
        with atomic.replacing(old) as temporary:
            temporary.write_text("half of the n")
            raise reason

    with pytest.raises(reason):
        write()
    assert old.read_text() == "old"
    assert os.listdir(old.parent) == ["file.txt"]


def test_a_kill_leaves_the_old_file_and_does_not_hinder_the_next_write(old: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(old)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert old.read_text() == "old"
    atomic.write_text(old, "new")
    assert old.read_text() == "new"


def test_the_content_is_on_disk_before_the_name_is(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("synced"), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("renamed"), replace(*paths)))
    atomic.write_text(old, "new")
    assert done[:2] == ["synced", "renamed"]


def fail_with(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_the_next_step(
    number: int, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(number, monkeypatch)
    with pytest.raises(UserError, match=r"the disk is full while writing .*file\.txt; free some space"):
        atomic.write_text(old, "new")
    assert old.read_text() == "old"
    assert os.listdir(old.parent) == ["file.txt"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_folder_that_may_not_be_written_is_told(
    number: int, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(number, monkeypatch)
    with pytest.raises(UserError, match=r"file\.txt cannot be written \(.*\); choose another folder"):
        atomic.write_text(old, "new")
    assert old.read_text() == "old"


def test_a_folder_whose_name_is_a_file_is_told(old: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be written \(.*\); choose another folder"):
        atomic.write_text(old / "inner.txt", "new")


def test_a_file_whose_name_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(UserError, match=r"taken cannot be written \(is a directory\)"):
        atomic.write_text(tmp_path / "taken", "new")
    assert os.listdir(tmp_path) == ["taken"]


def test_another_fault_of_the_machine_is_not_put_down_to_the_user(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(errno.EIO, monkeypatch)
    with pytest.raises(OSError, match="Input/output error") as raised:
        atomic.write_text(old, "new")
    assert not isinstance(raised.value, UserError)
