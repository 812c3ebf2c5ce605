"""The weights that authors publish: the way from their files that the cards show, and colour DnCNN on two of 68 images.

`tests/benchmarks/test_cbsd68.py` takes all of them and compares with the published means; the figures here are
those that it gives for these two.
"""

import re
from pathlib import Path
from typing import Any

import authors
import cbsd68
import pytest
import torch

from easy2hard import entry as entries
from easy2hard.entry import TaskSpec
from easy2hard.errors import UserError
from easy2hard.models.recurrent import adapt
from easy2hard.weights import load_weights

FILES: dict[str, dict[str, Any]] = {
    "dncnn": authors.numbered(authors.dncnn()),
    "cscnet": authors.numbered(authors.CSCNET),
    "deep-ksvd": authors.numbered(authors.deep_ksvd(1)),
    "deep-ksvd-2": authors.numbered(authors.deep_ksvd(2)),
    "deep-ksvd-3": authors.numbered(authors.deep_ksvd(3)),
    "lidia": {"state_dict": authors.numbered(authors.lidia("grey"))},
    "lidia-small": {"state_dict": authors.numbered(authors.lidia("small"))},
    "lidia-colour": {"state_dict": authors.numbered(authors.lidia("colour"))},
}


@pytest.mark.parametrize("name", FILES)
def test_the_lines_of_a_card_bring_a_file_of_the_authors_to_weights_that_evaluate_takes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = (entries.folder() / name / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", card, re.DOTALL):
        if file := re.match(r"# (\w+\.py)\n", block):
            Path(file[1]).write_text(block, encoding="utf-8")
            continue
        (theirs,) = re.findall(r'torch.load\("(\S+)"', block)
        torch.save(FILES[name], theirs)
        exec(block, {})
    ((model, weights),) = re.findall(r"easy2hard evaluate (\S+) .*--weights (\S+)", card)
    built = adapt(entries.load(model).build(TaskSpec("denoise", 3, 3, "gaussian")))
    load_weights(built, tmp_path / weights)
    state = FILES[name].get("state_dict", FILES[name])
    numbers = {float(tensor.flatten()[0]) for tensor in built.state_dict().values()}
    assert numbers <= set(map(float, range(len(state))))
    assert len(numbers) == len(built.state_dict())


def test_the_entry_of_dncnn_refuses_the_folded_form_as_its_card_says(tmp_path: Path) -> None:
    torch.save(FILES["dncnn"], tmp_path / "folded.pt")
    model = adapt(entries.load("dncnn").build(TaskSpec("denoise", 3, 3, "gaussian")))
    with pytest.raises(UserError, match="does not hold weights of this model"):
        load_weights(model, tmp_path / "folded.pt")


HERE = pytest.mark.skipif(cbsd68.MISSING, reason=cbsd68.WHY)


@HERE
@pytest.mark.parametrize(("sigma", "expected"), [(25, (28.244, 32.233)), (50, (24.982, 28.889))])
def test_the_published_weights_restore_two_images_as_in_the_run_over_all(
    sigma: int, expected: tuple[float, float]
) -> None:
    model = cbsd68.published()
    scores = [cbsd68.score(model, path, sigma) for path in cbsd68.IMAGES[:2]]
    assert scores == pytest.approx(expected, abs=0.01)


@HERE
@pytest.mark.parametrize("sigma", [25, 50])
def test_weights_for_one_sigma_load_too_and_are_best_at_theirs(sigma: int) -> None:
    path = cbsd68.IMAGES[0]
    of_both = {name: cbsd68.score(cbsd68.published(f"cdncnn_sigma{name}"), path, sigma) for name in (25, 50)}
    assert max(of_both, key=of_both.__getitem__) == sigma
