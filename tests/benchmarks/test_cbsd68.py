"""The published weights of colour DnCNN reproduce their published PSNR on all 68 images: five minutes on one core.

`pytest tests/benchmarks/test_cbsd68.py -s` prints the means, 31.223 and 27.927 dB; `tests/test_published.py` takes
two of the images.
"""

import cbsd68
import numpy as np
import pytest


@pytest.mark.skipif(cbsd68.MISSING, reason=cbsd68.WHY)
@pytest.mark.parametrize(("sigma", "published"), [(25, 31.2), (50, 27.9)])
def test_the_published_weights_give_the_published_psnr_on_cbsd68(sigma: int, published: float) -> None:
    model = cbsd68.published()
    scores = [cbsd68.score(model, path, sigma) for path in cbsd68.IMAGES]
    print(f"\nCDnCNN-B on CBSD68, sigma {sigma}: {np.mean(scores):.3f} dB over {len(scores)} images")
    assert len(scores) == 68
    assert np.mean(scores) == pytest.approx(published, abs=0.05)
