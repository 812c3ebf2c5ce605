"""Figures: whole PNG files, the same for the same data, that show what they promise."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from records import identity, make

from easy2hard import figures
from easy2hard.errors import UserError
from easy2hard.record import Record

PICTURE = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
MASK = np.eye(8, dtype=np.uint8)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """Two entries, one of them with two seeds and a ceiling, and a floor."""
    made = [make("dt"), make("dt", seed=1, skill=11), make("cnn", budgets=(1, 2, 3, 4, 5)), identity()]
    return [one.record for one in [*made, make("dt", band="ceiling", trained_on="0.3", skill=13)]]


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return image.size


@pytest.fixture
def axes(monkeypatch: pytest.MonkeyPatch) -> list:
    """The panels of the figures drawn in a test."""
    from matplotlib.figure import Figure

    seen: list = []
    saved = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (seen.extend(self.axes), saved(self, *a, **k))
    )
    return seen


@pytest.mark.parametrize("draw", [figures.curves, figures.levels])
def test_the_same_records_give_the_same_bytes(
    draw: Callable[[list[Record], Path], Path], records: list[Record], tmp_path: Path
) -> None:
    first, second = (draw(records, tmp_path / name) for name in ("a.png", "b.png"))
    assert first.read_bytes() == second.read_bytes()


def test_curves_have_a_panel_per_level_or_the_one_that_is_named(
    records: list[Record], tmp_path: Path, axes: list
) -> None:
    figures.curves(records, tmp_path / "all.png")
    assert [panel.get_title() for panel in axes] == [
        "level 0.1 (easy)", "level 0.2 (hard)", "level 0.3 (hard)", "level 0.4 (hard)", "level 0.5 (hard)",
    ]  # fmt: skip
    figures.curves(records, tmp_path / "one.png", level="0.3")
    assert axes[-1].get_title() == "level 0.3 (hard)"
    assert (axes[-1].get_xlabel(), axes[-1].get_ylabel()) == ("iterations", "PSNR (dB)")


def test_a_curve_ends_where_the_entry_ends_and_rings_its_training_budget(
    records: list[Record], tmp_path: Path, axes: list
) -> None:
    figures.curves(records, tmp_path / "one.png", level="0.3")
    lines = {line.get_label(): line for line in axes[0].lines}
    assert list(lines["CNN"].get_xdata()) == [1, 2, 3, 4, 5]
    assert lines["DT"].get_xdata()[-1] == 50
    rings = [line for line in axes[0].lines if line.get_label().startswith("_")]
    assert [list(ring.get_xdata()) for ring in rings] == [[5], [5]]


def test_a_curve_is_the_mean_over_seeds_and_its_band_their_spread(
    records: list[Record], tmp_path: Path, axes: list
) -> None:
    figures.curves(records, tmp_path / "one.png", level="0.3")
    values = [
        cell.value for record in records[:2] for cell in record.cells
        if (cell.level, cell.budget, cell.exit, cell.metric) == ("0.3", 50, None, "psnr")
    ]  # fmt: skip
    line = next(line for line in axes[0].lines if line.get_label() == "DT")
    assert line.get_ydata()[-1] == pytest.approx(np.mean(values))
    band = axes[0].collections[1].get_paths()[0].vertices
    at_end = band[band[:, 0] == 50][:, 1]
    assert np.ptp(at_end) == pytest.approx(2 * np.std(values, ddof=1), rel=1e-4)


def test_floors_are_dashed_and_flat(records: list[Record], tmp_path: Path, axes: list) -> None:
    figures.curves(records, tmp_path / "one.png", level="0.3")
    floor = next(line for line in axes[0].lines if line.get_label() == "IDENTITY")
    assert np.ptp(floor.get_ydata()) == 0
    assert floor.get_linestyle() != "-"


def test_levels_show_ceilings_only_where_they_were_trained(
    records: list[Record], tmp_path: Path, axes: list
) -> None:
    figures.levels(records, tmp_path / "levels.png")
    triangles = [
        line for line in axes[0].lines if line.get_marker() == "^" and line.get_linestyle() == "None"
    ]
    assert [list(line.get_xdata()) for line in triangles] == [[2]]
    assert triangles[0].get_ydata()[0] == pytest.approx(records[-1].answer_cell("0.3").value)


def test_shares_are_drawn_in_percent(tmp_path: Path, axes: list) -> None:
    figures.levels([make("dt", "maze", iterations=20, skill=30).record], tmp_path / "levels.png")
    assert axes[0].get_ylabel() == "mazes solved (%)"
    assert axes[0].lines[0].get_ydata()[0] == pytest.approx(100, abs=5)


def test_the_style_of_the_user_changes_no_figure(records: list[Record], tmp_path: Path) -> None:
    import matplotlib

    plain = figures.levels(records, tmp_path / "a.png").read_bytes()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert figures.levels(records, tmp_path / "b.png").read_bytes() == plain
        assert matplotlib.rcParams["font.size"] == 30


def test_records_of_two_suites_in_one_figure_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"got maze \(quick\), sp \(quick\)"):
        figures.curves([make().record, make(suite_name="maze").record], tmp_path / "a.png")


def test_a_level_that_no_record_has_is_refused(records: list[Record], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no level 0\.9 .* 0\.1, 0\.2"):
        figures.curves(records, tmp_path / "a.png", level="0.9")


def test_a_failed_seed_without_identity_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="counts as the floor identity"):
        figures.levels([make(failed=True).record], tmp_path / "a.png")


def test_a_strip_shows_input_thoughts_in_order_and_target(tmp_path: Path, axes: list) -> None:
    answers = {10: PICTURE, 2: PICTURE}
    path = figures.thoughts(PICTURE, answers, PICTURE, tmp_path / "t.png", title="dt", notes={2: "21.0 dB"})
    assert [panel.get_title() for panel in axes] == ["input", "iteration 2", "iteration 10", "target"]
    assert axes[1].get_xlabel() == "21.0 dB"
    assert size(path)[0] > 2 * size(path)[1]


def test_a_mask_of_zeros_is_black_and_not_stretched_to_white(tmp_path: Path, axes: list) -> None:
    figures.thoughts(PICTURE, {1: np.zeros_like(MASK)}, MASK, tmp_path / "t.png", title="maze")
    assert axes[1].images[0].get_clim() == (0, 1)


def test_samples_stand_in_columns_by_level_with_their_targets_below(tmp_path: Path, axes: list) -> None:
    graded = {"9": (PICTURE, MASK), "13": (np.tile(PICTURE, (2, 2, 1)), np.tile(MASK, (2, 2)))}
    figures.samples(graded, tmp_path / "s.png", title="maze")
    assert [panel.get_title() for panel in axes] == ["level 9", "level 13", "", ""]
    assert (axes[0].get_ylabel(), axes[2].get_ylabel()) == ("input", "target")


@pytest.mark.parametrize(
    "draw",
    [
        lambda path: figures.samples({}, path, title="none"),
        lambda path: figures.thoughts(PICTURE, {}, PICTURE, path, title="none"),
        lambda path: figures.curves([], path),
    ],
)
def test_nothing_to_draw_is_refused_and_leaves_no_file(draw: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(UserError):
        draw(tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_figure_that_cannot_be_finished_leaves_the_old_one(
    records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    old = figures.levels(records, tmp_path / "a.png").read_bytes()
    monkeypatch.setattr(Figure, "savefig", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        figures.levels(records[:1], tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == old
