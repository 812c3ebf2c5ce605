"""What a record says of the command that made it."""

import platform

import pytest

from easy2hard import provenance


@pytest.mark.parametrize(
    ("words", "noted"),
    [
        (["/opt/venv/bin/easy2hard", "evaluate", "dt", "--out", "runs"], "easy2hard evaluate dt --out runs"),
        (["easy2hard", "evaluate", "/home/somebody/my_model.py"], "easy2hard evaluate my_model.py"),
        (
            ["easy2hard", "evaluate", "dt", "--images-dir", "/data/cifar"],
            "easy2hard evaluate dt --images-dir cifar",
        ),
        (["/home/somebody/train.py", "--seed", "1"], "python"),
    ],
)
def test_a_command_is_noted_without_where_files_lie_on_the_machine(words: list[str], noted: str) -> None:
    assert provenance._command(words) == noted


def test_the_system_is_noted_without_the_build_of_its_kernel() -> None:
    noted = provenance._system()
    assert platform.machine() in noted
    assert platform.release() not in noted
