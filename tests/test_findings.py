"""docs/findings.md: its main figures are those of the records."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from easy2hard import archive, entry as entries, record as records
from easy2hard.record import Record

PAGE = " ".join((Path(__file__).parent.parent / "docs" / "findings.md").read_text(encoding="utf-8").split())

# Sentences of the page with a place for each figure: entry, recipe where it is not quick, suite, level (or mean, of
# the hard levels), and where it is not the declared answer the iteration. A figure is a mean over seeds; `±` gives
# their standard deviation too, `2` two decimals.
SENTENCES = """
mean of the hard levels <dt sp mean ± 2> and <cnn sp mean ± 2> dB

on `sp-cifar10` (<dt sp-cifar10 mean ± 2> and <cnn sp-cifar10 mean ± 2>)

<dt-no-recall sp-cifar10 0.1> and <dt-no-recall sp-cifar10 0.3> dB at 0.1 and 0.3 on `sp-cifar10`

with it <dt sp-cifar10 0.1> and <dt sp-cifar10 0.3>), on `sp` better at 0.4 and 0.5 (<dt-no-recall sp 0.4> and
<dt-no-recall sp 0.5> dB; with it <dt sp 0.4> and <dt sp 0.5>)

with recall they leave <dt sp-cifar10 0.1 @50> and <dt sp-cifar10 0.3 @50>

<dt-perceptual sp-cifar10 0.1 ±> and <dt-perceptual sp-cifar10 0.3 ±> dB on `sp-cifar10` (three seeds) against <dt
sp-cifar10 0.1 ±> and <dt sp-cifar10 0.3 ±>

<dt-dynamic sp-cifar10 0.1> dB at 0.1

<dt-median sp-cifar10 0.1> and <dt-median sp-cifar10 0.3> dB with the median, <dt-similarity sp-cifar10 0.1> and
<dt-similarity sp-cifar10 0.3> with the similarity loss

DT <dt-alpha:alpha-0 sp-cifar10 0.1>, <dt-alpha:alpha-0.5 sp-cifar10 0.1>, <dt-alpha:alpha-1 sp-cifar10 0.1> and
<dt-alpha:alpha-0 sp-cifar10 0.3>, <dt-alpha:alpha-0.5 sp-cifar10 0.3>, <dt-alpha:alpha-1 sp-cifar10 0.3>

(<cnn-alpha:alpha-0 sp-cifar10 0.5>, <cnn-alpha:alpha-0.5 sp-cifar10 0.5>, <cnn-alpha:alpha-1 sp-cifar10 0.5>), DT
not (<dt-alpha:alpha-0 sp-cifar10 0.5>, <dt-alpha:alpha-0.5 sp-cifar10 0.5>, <dt-alpha:alpha-1 sp-cifar10 0.5>)

training at 0.1 gives <dt sp 0.2>, <dt sp 0.3>, <dt sp 0.4> and <dt sp 0.5>

<dt-interpolate sp 0.2 2>, <dt-interpolate sp 0.3 2>, <dt-interpolate sp 0.4 2> and <dt-interpolate sp 0.5 2> dB at
0.2-0.5 on `sp`

<bm3d gaussian 0.1> / <bm3d gaussian 0.3>, mean <bm3d gaussian mean>; estimating it, <bm3d-estimated gaussian 0.1> /
<bm3d-estimated gaussian 0.3>

`dt-shrink` has <dt-shrink gaussian 0.1 ± 2> / <dt-shrink gaussian 0.3 ± 2>, mean <dt-shrink gaussian mean ± 2>

it has <cnn gaussian 0.1> / <cnn gaussian 0.3>, mean <cnn gaussian mean> (three seeds)

DT without recall has <dt-no-recall gaussian 0.1> / <dt-no-recall gaussian 0.3>, mean <dt-no-recall gaussian mean>

trained on clean targets, has <n2n-final:clean gaussian 0.1> / <n2n-final:clean gaussian 0.3>, mean <n2n-final:clean
gaussian mean>; from noisy pairs alone <n2n-final gaussian 0.1> / <n2n-final gaussian 0.3>, mean <n2n-final gaussian
mean>, level with DT (<dt gaussian 0.1> / <dt gaussian 0.3>, mean <dt gaussian mean>)

fails at 0.3 (<dncnn gaussian 0.1> / <dncnn gaussian 0.3>, three seeds)

LIDIA in colour (<lidia-colour gaussian 0.1> / <lidia-colour gaussian 0.3>)

CSCNet (<cscnet gaussian 0.1> / <cscnet gaussian 0.3>)

Deep K-SVD (<deep-ksvd gaussian 0.1> / <deep-ksvd gaussian 0.3>)

<dt-ponder sp 0.5 @5> dB after 5 iterations, <dt-ponder sp 0.5> where it stops

<dt-ponder sp 0.5 @5> dB after 5 iterations to <dt-ponder sp 0.5 @50> after 50, DT from <dt sp 0.5> to <dt sp 0.5 @50>

model 2 has <n2n-model2 gaussian 0.1> dB at 0.1 without one, <n2n-model2:clean gaussian 0.1> with, the final model
<n2n-final gaussian 0.1> and <n2n-final:clean gaussian 0.1>, the U-Net <n2n-unet gaussian 0.1> and <n2n-unet:clean
gaussian 0.1>

(<n2n-model2 sp 0.1> and <n2n-model2:clean sp 0.1> for model 2, <n2n-final sp 0.1> and <n2n-final:clean sp 0.1> for
the final model, <n2n-model6 sp 0.1> and <n2n-model6:clean sp 0.1> for model 6, <n2n-unet sp 0.1> and
<n2n-unet:clean sp 0.1> for the U-Net)

a mean over the hard levels of <n2n-model2:clean sp mean> dB from clean targets, DT <dt sp mean> and CNN <cnn sp
mean>; model 4 with 3,523 parameters <n2n-model4:clean sp mean> and model 6 with 75,651 <n2n-model6:clean sp mean>

the U-Net, with 991,203 and 12,000 images, <n2n-unet:clean sp mean>

to <n2n-modules sp 0.1> dB at 0.1 and <n2n-modules sp 0.3> at 0.3
"""


@cache
def _seeds(entry: str, recipe: str, suite: str) -> tuple[Record, ...]:
    found = [records.read(path) for path in archive.paths(entries.folder(), entry)]
    return tuple(
        record
        for record in found
        if (record.task.suite, record.track) == (suite, "quick")
        and record.model.band != "ceiling"
        and (record.model.recipe or "quick") == recipe
    )


def _figure(place: str) -> str:
    name, suite, level, *more = place.split()
    entry, _, recipe = name.partition(":")
    at = next((int(word[1:]) for word in more if word.startswith("@")), None)
    values = []
    for record in _seeds(entry, recipe or "quick", suite):
        levels = record.task.headline if level == "mean" else (level,)
        cells = [
            record.answer_cell(one)
            if at is None
            else next(
                c
                for c in record.cells
                if (c.level, c.metric, c.budget, c.exit) == (one, record.task.metric, at, None)
            )
            for one in levels
        ]
        values.append(np.mean([cell.value for cell in cells if cell is not None]))
    digits = 2 if "2" in more else 1
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if "±" in more else ""
    return f"{np.mean(values):.{digits}f}{spread}"


@pytest.mark.parametrize("sentence", SENTENCES.strip().split("\n\n"))
def test_a_sentence_has_the_figures_of_the_records(sentence: str) -> None:
    expected = re.sub(r"<([^>]+)>", lambda place: _figure(place[1]), " ".join(sentence.split()))
    assert expected in PAGE
