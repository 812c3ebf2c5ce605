"""The published weights of colour DnCNN, through the folded form and the project's own metric, on two of the 68 images.

`tests/benchmarks/test_cbsd68.py` takes all of them and compares with the published means; the figures here are
those that it gives for these two.
"""

import cbsd68
import pytest

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
