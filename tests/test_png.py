"""PNG files with stored blocks: any reader decodes them, and their pixels are a view."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from PIL import Image

from easy2hard import png

U8 = NDArray[np.uint8]


def noise(*shape: int, below: int = 256, seed: int = 0) -> U8:
    return np.random.default_rng(seed).integers(0, below, shape, dtype=np.uint8)


def pillow(file: U8, mode: str) -> U8:
    image = Image.open(io.BytesIO(file.tobytes()))
    image.verify()  # checks the checksum of every chunk
    return np.asarray(Image.open(io.BytesIO(file.tobytes())).convert(mode))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 70), st.integers(1, 70), st.integers(0, 1000))
def test_pillow_and_decode_give_back_the_pixels_of_any_shape(
    n: int, height: int, width: int, seed: int
) -> None:
    images = noise(n, height, width, 3, seed=seed)
    mazes = png.PALETTE[noise(n, height, width, below=4, seed=seed)]
    masks = noise(n, height, width, below=2, seed=seed)
    for pixels, mode, white in ((images, "RGB", 1), (mazes, "RGB", 1), (masks, "L", 255)):
        files = png.encode(pixels)
        assert np.array_equal(png.decode(files), pixels)
        assert all(
            np.array_equal(pillow(file, mode), image * white)
            for file, image in zip(files, pixels, strict=True)
        )


@pytest.mark.parametrize("height", [441, 442])  # 65,490 and 65,638 bytes of scanlines
def test_images_beyond_one_stored_block_keep_their_pixels(height: int) -> None:
    images = noise(2, height, 49, 3)
    files = png.encode(images)
    assert np.array_equal(png.decode(files), images)
    assert np.array_equal(pillow(files[1], "RGB"), images[1])


def test_a_large_maze_and_its_mask_keep_their_pixels() -> None:
    mazes, masks = png.PALETTE[noise(1, 1608, 1608, below=4)], noise(1, 1608, 1608, below=2)
    assert np.array_equal(pillow(png.encode(mazes)[0], "RGB"), mazes[0])
    assert np.array_equal(pillow(png.encode(masks)[0], "L"), masks[0] * 255)


def test_rgb_pixels_are_decoded_without_a_copy() -> None:
    for height in (32, 200):
        files = png.encode(noise(3, height, 200, 3))
        assert np.shares_memory(png.decode(files), files)


def test_the_scanlines_inflate_to_the_pixels_with_filter_none() -> None:
    images = noise(1, 5, 7, 3)
    file = png.encode(images)[0].tobytes()
    lines = np.frombuffer(zlib.decompress(file[41 : len(file) - 16]), dtype=np.uint8).reshape(5, 22)
    assert not lines[:, 0].any()
    assert np.array_equal(lines[:, 1:].reshape(5, 7, 3), images[0])


def test_mazes_take_two_bits_a_pixel_and_masks_one() -> None:
    assert png.encode(png.PALETTE[noise(1, 64, 64, below=4)]).shape[1] < 64 * 64 / 4 + 64 + 110
    assert png.encode(noise(1, 64, 64, below=2)).shape[1] < 64 * 64 / 8 + 64 + 80


@pytest.mark.parametrize("colour", ["0000ff", "ffff00", "ff00ff", "00ffff", "fe0000", "010101"])
@pytest.mark.parametrize("x", [0, 1, 2, 3])
def test_a_fifth_colour_is_kept(colour: str, x: int) -> None:
    images = np.zeros((1, 4, 4, 3), dtype=np.uint8)
    images[0, 3, x] = tuple(bytes.fromhex(colour))
    assert np.array_equal(png.decode(png.encode(images)), images)


def test_a_mask_beyond_one_is_refused() -> None:
    with pytest.raises(ValueError, match="0 and 1 only; got 2"):
        png.encode(np.full((1, 4, 4), 2, dtype=np.uint8))


def test_the_packed_scanlines_are_those_of_the_files() -> None:
    for pixels in (noise(3, 9, 13, 3), png.PALETTE[noise(3, 9, 13, below=4)], noise(3, 9, 13, below=2)):
        assert np.array_equal(png.packed(png.encode(pixels)), png.pack(pixels).lines)


def test_files_of_other_writers_are_refused() -> None:
    buffer = io.BytesIO()
    Image.fromarray(noise(8, 8, 3)).save(buffer, "PNG")
    with pytest.raises(ValueError, match="stored blocks"):
        png.decode(np.frombuffer(buffer.getvalue(), dtype=np.uint8)[None])


def test_the_checksums_of_extreme_pixels_do_not_overflow() -> None:
    images = np.full((1, 100, 200, 3), 255, dtype=np.uint8)
    images[0, 0, 0] = 254  # no maze
    files = png.encode(images)
    assert np.array_equal(pillow(files[0], "RGB"), images[0])
    assert zlib.decompress(files[0, 41 : files.shape[1] - 16].tobytes())
