"""Image sources: one contract over the shelf, the drawn pictures' bits and statistics, and what files may hold."""

import importlib.util
import os
import pickle
import struct
import threading
import zipfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import datasets
import numpy as np
import oracle_dead_leaves as oracle
import pytest
from PIL import Image

from easy2hard import rng, shelf
from easy2hard.errors import UserError
from easy2hard.images import SPLITS, Source, cifar10, dead_leaves, folder, tiny_imagenet
from easy2hard.noise import salt_and_pepper

DATA = Path(os.environ.get("EASY2HARD_TEST_DATA", "../shared/data"))
GOLDEN = {  # BLAKE2b-128 of the first 64 pictures at 32 x 32, seed 0, version 1
    "train": "50c752f1cc25380f8e131450481bc3a5",
    "validation": "de1e8f063291f77803dbb46715ddfd66",
    "test": "3978ab013592b7da20409fdd2061b10b",
    "digest": "e4be72ac9b3695d4aaaf3e653b489dbe",
}


def key(split: str) -> int:
    return rng.key(1, 0, "images/dead_leaves", split, "")


def drawn(size: int = 32) -> dead_leaves.DeadLeaves:
    return dead_leaves.open(size, key, None, None, None)


def picture(seed: int, size: int = 32, mode: str = "RGB") -> Image.Image:
    bytes_ = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return Image.fromarray(bytes_).convert(mode)


def save(path: Path, image: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """A folder of twelve images of 64 x 64, which every source that reads files accepts."""
    for i in range(12):
        save(tmp_path / "flat" / f"{i:02d}.png", picture(i, 64))
    return tmp_path / "flat"


# The contract, over the shelf.


@pytest.fixture(params=shelf.names("images"))
def source(request: pytest.FixtureRequest, flat: Path) -> Source:
    return shelf.take("images", request.param).open(32, key, flat, None, None)


def test_the_splits_of_every_source_have_square_rgb_bytes(source: Source) -> None:
    for split in SPLITS:
        images = source.take(split, np.array([1, 0, 1]))
        assert (images.shape, images.dtype) == ((3, 32, 32, 3), np.uint8)
        assert (images[0] == images[2]).all()
        assert (images[0] != images[1]).any()


def test_an_image_of_any_source_is_the_same_in_any_company(source: Source) -> None:
    rows = source.rows("train") or 8
    whole = source.take("train", np.arange(rows))
    some = np.array([5, 0, 3])
    assert (source.take("train", some) == whole[some]).all()
    assert source.take("train", np.array([], np.int64)).shape == (0, 32, 32, 3)


def test_the_splits_of_every_source_share_no_image(source: Source) -> None:
    kept = [image.tobytes() for s in SPLITS for image in source.take(s, np.arange(source.rows(s) or 8))]
    assert len(set(kept)) == len(kept)


def test_the_digest_of_every_source_is_32_hex_digits_and_stays(source: Source) -> None:
    assert source.digest() == source.digest()
    assert len(source.digest()) == 32
    int(source.digest(), 16)


def test_every_source_says_its_name_and_its_notes_in_words(source: Source) -> None:
    assert source.name in shelf.names("images")
    assert isinstance(source.notes, tuple)
    assert all(isinstance(note, str) for note in source.notes)


# Dead leaves: bits.


@pytest.mark.parametrize(("size", "index"), [(8, 0), (11, 7), (16, 2**40 + 3), (32, 0), (32, 1)])
def test_a_picture_is_what_its_plain_python_definition_says(size: int, index: int) -> None:
    for split in ("train", "test") if size < 32 else ("validation",):
        expected = np.array(oracle.picture(key(split), index, size))
        assert (drawn(size).take(split, np.array([index]))[0] == expected).all()


@pytest.mark.parametrize("split", SPLITS)
def test_the_first_64_pictures_of_a_split_keep_their_bits(split: str) -> None:
    assert blake(drawn().take(split, np.arange(64))) == GOLDEN[split]


def test_the_digest_of_the_drawn_pictures_keeps_its_value() -> None:
    assert drawn().digest() == GOLDEN["digest"]


def blake(images: np.ndarray) -> str:
    return blake2b(images.tobytes(), digest_size=16).hexdigest()


def test_pictures_drawn_in_two_threads_have_the_same_bits() -> None:
    halves: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda k=k: halves.update({k: drawn().take("train", np.arange(k, 200, 2))}))
        for k in (0, 1)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    whole = drawn().take("train", np.arange(200))
    assert (halves[0] == whole[0::2]).all()
    assert (halves[1] == whole[1::2]).all()


def test_pictures_of_other_splits_and_keys_differ() -> None:
    first = [drawn().take(split, np.array([0])).tobytes() for split in SPLITS]
    other = dead_leaves.open(32, lambda split: key(split) + 1, None, None, None)
    assert len({*first, other.take("train", np.array([0])).tobytes()}) == 4


def test_a_picture_has_the_same_scene_at_another_size() -> None:
    small, large = (drawn(size).take("test", np.arange(60)).astype(float) for size in (32, 64))
    shrunk = large.reshape(60, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    same = np.abs(small - shrunk).mean()
    assert same < 0.6 * np.abs(small - np.roll(shrunk, 1, axis=0)).mean()


@pytest.mark.parametrize("size", [7, 1025])
def test_a_picture_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(UserError, match=f"8 to 1024 pixels; got {size}"):
        drawn(size)


def test_no_picture_is_blank() -> None:
    assert (drawn().take("train", np.arange(2000)).std(axis=(1, 2, 3)) > 2).all()


# Dead leaves: statistics. The ranges lie around what CIFAR-10 has by the same measures.


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    return drawn().take("train", np.arange(1000))


def slope(images: np.ndarray) -> float:
    """The slope of log power over log frequency, radii 1 to half the side; CIFAR-10 test images have -2.8."""
    grey = images.mean(axis=3)
    grey = grey - grey.mean(axis=(1, 2), keepdims=True)
    n = grey.shape[1]
    power = (np.abs(np.fft.fft2(grey)) ** 2).mean(axis=0)
    step = np.fft.fftfreq(n) * n
    radius = np.rint(np.hypot(step[:, None], step[None]))
    rings = np.arange(1, n // 2 + 1)
    return float(np.polyfit(np.log(rings), np.log([power[radius == r].mean() for r in rings]), 1)[0])


def kurtosis(images: np.ndarray) -> float:
    """Of horizontal differences; 3 for a Gaussian, 9.6 for CIFAR-10."""
    step = np.diff(images.mean(axis=3), axis=2)
    return float(((step - step.mean()) ** 4).mean() / step.var() ** 2)


def psnr(clean: np.ndarray, answer: np.ndarray) -> float:
    error = ((clean.astype(float) - answer) ** 2).mean(axis=(1, 2, 3))
    return float((10 * np.log10(255**2 / np.maximum(error, 1e-6))).mean())


def windows(images: np.ndarray) -> np.ndarray:
    """The 3 x 3 neighbourhood of every pixel: (n, side, side, 3, 9)."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2)).reshape(*images.shape, 9)


def interpolated(noisy: np.ndarray) -> np.ndarray:
    """Black and white pixels replaced by the weighted mean of the others nearby, twice for those left over."""
    values, lost = noisy.astype(float), ((noisy == 0) | (noisy == 255)).all(axis=3, keepdims=True)
    weights = np.array([0.35, 1, 0.35, 1, 0, 1, 0.35, 1, 0.35])
    for _ in range(3):
        known = windows((~lost).astype(float)) * weights
        mass = known.sum(axis=-1)
        filled = (windows(values) * known).sum(axis=-1) / np.maximum(mass, 1e-9)
        ready = lost & (mass > 0)
        values, lost = np.where(ready, filled, values), lost & ~ready
    return values


def restored(images: np.ndarray) -> tuple[float, float]:
    """PSNR of the median and of interpolation at a tenth of the pixels lost."""
    noisy = salt_and_pepper.apply(images, "0.1", 7, np.arange(len(images)))
    return psnr(images, np.median(windows(noisy), axis=-1)), psnr(images, interpolated(noisy))


def test_the_power_spectrum_falls_as_in_small_photographs(many: np.ndarray) -> None:
    assert -3.1 < slope(many) < -2.3


def test_differences_between_neighbours_have_heavy_tails(many: np.ndarray) -> None:
    assert 8 < kurtosis(many) < 20


def test_the_channels_go_together_as_in_photographs(many: np.ndarray) -> None:
    red, green, blue = np.corrcoef(many.reshape(-1, 3).T)[[0, 1, 2], [1, 2, 0]]
    assert min(red, green) > 0.9
    assert 0.78 < blue < 0.9


def test_brightness_and_contrast_are_those_of_photographs(many: np.ndarray) -> None:
    grey = many.mean(axis=3) / 255
    assert abs(grey.mean() - 0.46) < 0.02
    assert abs(grey.std() - 0.25) < 0.02
    assert 0.17 < np.median(grey.std(axis=(1, 2))) < 0.22


def test_restoring_a_picture_is_as_hard_as_restoring_a_photograph(many: np.ndarray) -> None:
    median, interpolation = restored(many[:300])
    assert abs(median - 25.5) < 0.7
    assert abs(interpolation - 35.3) < 1


# CIFAR-10.


def batch(rows: int, seed: int) -> bytes:
    """{"data": uint8 (rows, 3072)} as Python 2 pickled it, and as the official batches are."""
    data = np.random.default_rng(seed).integers(0, 256, (rows, 3072), dtype=np.uint8).tobytes()
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN" + 2 * b"J\xff\xff\xff\xff" + b"K\x00tb"
    state = (
        b"(K\x01K" + bytes([rows]) + b"M\x00\x0c\x86" + kind + b"\x89T" + struct.pack("<I", len(data)) + data
    )
    return b"\x80\x02}U\x04data" + empty + state + b"tbs."


@pytest.fixture
def batches(tmp_path: Path) -> Path:
    (tmp_path / "cifar-10-batches-py").mkdir()
    for i, name in enumerate(
        ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5")
    ):
        (tmp_path / "cifar-10-batches-py" / name).write_bytes(batch(10, i))
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(batch(10, 9))
    return tmp_path


def open_cifar(directory: Path | None, size: int = 32, hub: str | None = None) -> Source:
    return cifar10.open(size, key, directory, hub, "abc")


@pytest.mark.parametrize("below", ["", "cifar-10-batches-py"])
def test_the_folder_of_batches_or_its_parent_is_read(batches: Path, below: str) -> None:
    source = open_cifar(batches / below)
    assert [source.rows(split) for split in SPLITS] == [40, 10, 10]
    assert source.name == "cifar10"


def test_a_row_of_a_batch_is_three_planes_of_32_rows(batches: Path) -> None:
    planes = np.random.default_rng(0).integers(0, 256, (10, 3072), dtype=np.uint8)[4]
    image = open_cifar(batches).take("train", np.array([4]))[0]
    assert image[5, 7].tolist() == [planes[c * 1024 + 5 * 32 + 7] for c in range(3)]


def test_batches_that_are_not_the_official_ones_are_noted(batches: Path) -> None:
    (note,) = open_cifar(batches).notes
    assert "md5 is not the official one" in note
    assert "data_batch_1" in note
    assert "test_batch" in note


class Harmful:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("touch harmed",)


def test_a_pickle_that_names_anything_but_arrays_is_refused_and_not_run(
    batches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (batches / "cifar-10-batches-py" / "data_batch_3").write_bytes(pickle.dumps({"data": Harmful()}))
    with pytest.raises(UserError, match=r"data_batch_3 is not a batch.*only NumPy arrays are allowed"):
        open_cifar(batches)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        batch(10, 0)[:5000],
        pickle.dumps([1]),
        pickle.dumps({"data": 3}),
        pickle.dumps({"data": np.zeros((2, 9), np.uint8)}, protocol=4),
        pickle.dumps({"data": np.zeros((2, 3072))}, protocol=4),
    ],
)
def test_a_broken_batch_is_refused_with_its_name(batches: Path, content: bytes) -> None:
    (batches / "cifar-10-batches-py" / "test_batch").write_bytes(content)
    with pytest.raises(UserError, match="test_batch is not a batch of CIFAR-10"):
        open_cifar(batches)


def test_missing_batches_are_named(batches: Path) -> None:
    (batches / "cifar-10-batches-py" / "data_batch_2").unlink()
    with pytest.raises(UserError, match="lacks data_batch_2"):
        open_cifar(batches)


def test_without_any_images_all_three_ways_are_said(tmp_path: Path) -> None:
    for directory in (None, tmp_path):
        with pytest.raises(UserError) as caught:
            open_cifar(directory)
        for way in ("Hub", "cifar-10-batches-py", "--images-dir", "EASY2HARD_IMAGES", "any folder of images"):
            assert way in str(caught.value)


def test_cifar_is_refused_at_another_size(batches: Path) -> None:
    with pytest.raises(UserError, match="32 x 32; the suite asks for 64 x 64"):
        open_cifar(batches, size=64)


def test_another_folder_of_images_may_stand_in_for_cifar(flat: Path) -> None:
    source = open_cifar(flat)
    assert source.digest() == folder.open(32, key, flat, None, None).digest()
    assert any("holds no cifar-10-batches-py" in note for note in source.notes)


# The Hub.


def hub_split(rows: int, column: str, size: int, classes: int = 2) -> datasets.Dataset:
    content = {
        column: [picture(i, size) for i in range(rows)],
        "label": [i * classes // rows for i in range(rows)],
    }
    features = datasets.Features({column: datasets.Image(), "label": datasets.Value("int64")})
    return datasets.Dataset.from_dict(content, features=features)


def fake_hub(monkeypatch: pytest.MonkeyPatch, table: object) -> list[tuple[str, str | None]]:
    asked: list[tuple[str, str | None]] = []

    def load_dataset(hub: str, revision: str | None = None) -> object:
        asked.append((hub, revision))
        if isinstance(table, Exception):
            raise table
        return table

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


def test_cifar_from_the_hub_has_the_same_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_hub(monkeypatch, {"train": hub_split(20, "img", 32), "test": hub_split(5, "img", 32)})
    source = open_cifar(None, hub="someone/cifar10")
    assert asked == [("someone/cifar10", "abc")]
    assert [source.rows(split) for split in SPLITS] == [16, 4, 5]
    assert (source.take("validation", np.array([0]))[0] == np.asarray(picture(16))).all()


def test_tiny_imagenet_from_the_hub_is_ordered_so_that_classes_alternate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_hub(monkeypatch, {"train": hub_split(10, "image", 64), "valid": hub_split(5, "image", 64)})
    source = tiny_imagenet.open(64, key, None, "someone/tiny", None)
    expected = [np.asarray(picture(i, 64)) for i in (0, 5, 1, 6, 2, 7, 3, 8)]
    assert (source.take("train", np.arange(8)) == expected).all()
    assert (source.take("validation", np.array([1]))[0] == np.asarray(picture(9, 64))).all()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (ConnectionError("no route"), r"could not be fetched .*no route.*There are three ways"),
        ({"train": hub_split(10, "img", 32)}, "needs the splits train and test; it has train"),
        (
            {"train": hub_split(10, "img", 32).remove_columns("label")},
            "needs a column of images and a column",
        ),
    ],
)
def test_a_hub_that_does_not_give_cifar_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, table: object, said: str
) -> None:
    fake_hub(monkeypatch, table)
    with pytest.raises(UserError, match=said):
        open_cifar(None, hub="someone/cifar10")


# Tiny ImageNet.


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Two classes of ten training images, and six test images, one of them grey."""
    root = tmp_path / "tiny-imagenet-200"
    for c, wnid in enumerate(("n02", "n01")):
        for k in range(10):
            save(root / "train" / wnid / "images" / f"{wnid}_{k}.JPEG", picture(10 * c + k, 64))
    for n in range(6):
        save(root / "val" / "images" / f"val_{n}.JPEG", picture(50 + n, 64, "L" if n == 3 else "RGB"))
    (root / "wnids.txt").write_text("n01\nn02\n")
    return root


def open_tiny(directory: Path, size: int = 64) -> Source:
    return tiny_imagenet.open(size, key, directory, None, None)


def decoded(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def test_training_images_go_by_number_then_class(tiny: Path) -> None:
    source = open_tiny(tiny)
    assert [source.rows(split) for split in SPLITS] == [16, 4, 6]
    order = [("n01", 0), ("n02", 0), ("n01", 1), ("n02", 1)]
    expected = [decoded(tiny / "train" / wnid / "images" / f"{wnid}_{k}.JPEG") for wnid, k in order]
    assert (source.take("train", np.arange(4)) == expected).all()


def test_folder_parent_and_zip_of_tiny_imagenet_give_the_same_images(tiny: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "tiny.zip", "w") as archive:
        for path in sorted(tiny.rglob("*.*"), reverse=True):
            archive.write(path, path.relative_to(tiny.parent))
    digests = {open_tiny(at).digest() for at in (tiny, tiny.parent, tmp_path / "tiny.zip")}
    assert len(digests) == 1


def test_grey_images_are_counted_in_a_note(tiny: Path) -> None:
    assert open_tiny(tiny).notes == ("images turned from grey into RGB: 1",)


def test_a_file_that_is_no_zip_is_refused_with_the_three_ways(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK no")
    with pytest.raises(UserError, match=r"broken.zip cannot be read as a zip.*three ways"):
        open_tiny(tmp_path / "broken.zip")


def test_tiny_imagenet_without_val_is_refused(tiny: Path) -> None:
    for path in (tiny / "val" / "images").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="20 training images in train/ and 0 in val/"):
        open_tiny(tiny)


def test_tiny_imagenet_is_refused_at_another_size(tiny: Path) -> None:
    with pytest.raises(UserError, match="64 x 64; the suite asks for 32 x 32"):
        open_tiny(tiny, size=32)


# Any folder.


def open_folder(directory: Path | None, size: int = 32) -> Source:
    return folder.open(size, key, directory, None, None)


def test_a_flat_folder_is_split_4_1_1_in_the_order_of_its_paths(flat: Path) -> None:
    source = open_folder(flat, 64)
    assert [source.rows(split) for split in SPLITS] == [8, 2, 2]
    numbers = {"train": [0, 1, 2, 3, 6, 7, 8, 9], "validation": [4, 10], "test": [5, 11]}
    for split, expected in numbers.items():
        images = source.take(split, np.arange(len(expected)))
        assert (images == [np.asarray(picture(i, 64)) for i in expected]).all()
    assert any("4 train, 1 validates and 1 tests" in note for note in source.notes)


@pytest.mark.parametrize("name", ["validation", "val"])
def test_subfolders_are_the_splits(tmp_path: Path, name: str) -> None:
    for i, split in enumerate(("train", name, "test", "test/cats")):
        save(tmp_path / split / "a.png", picture(i))
    source = open_folder(tmp_path)
    assert [source.rows(split) for split in SPLITS] == [1, 1, 2]
    assert (source.take("validation", np.array([0]))[0] == np.asarray(picture(1))).all()
    assert source.notes == ()


def test_without_a_validation_folder_every_fifth_training_image_is_held_out(tmp_path: Path) -> None:
    for i in range(10):
        save(tmp_path / "train" / f"{i}.png", picture(i))
    save(tmp_path / "test" / "0.png", picture(10))
    source = open_folder(tmp_path)
    assert [source.rows(split) for split in SPLITS] == [8, 2, 1]
    assert (source.take("validation", np.array([1]))[0] == np.asarray(picture(9))).all()
    assert any("every fifth training image" in note for note in source.notes)


def test_larger_images_are_cut_out_at_the_centre_and_counted(flat: Path) -> None:
    source = open_folder(flat, 32)
    assert (source.take("train", np.array([0]))[0] == np.asarray(picture(0, 64))[16:48, 16:48]).all()
    assert "images larger than 32 x 32, of which the centre was cut out: 12" in source.notes


def converted(tmp_path: Path, image: Image.Image, ending: str = "png") -> tuple[np.ndarray, tuple[str, ...]]:
    """The image as a source gives it, and the notes; it stands first among plain ones."""
    save(tmp_path / f"a.{ending}", image)
    for i in range(5):
        save(tmp_path / f"b{i}.png", picture(i))
    source = open_folder(tmp_path)
    return source.take("train", np.array([0]))[0], source.notes


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("L", "images turned from grey into RGB: 1"),
        ("1", "images turned from black and white into RGB: 1"),
        ("P", "images turned from mode P into RGB: 1"),
        ("CMYK", "images turned from mode CMYK into RGB: 1"),
    ],
)
def test_other_modes_become_rgb_and_are_counted(tmp_path: Path, mode: str, said: str) -> None:
    image = picture(9, 32, mode)
    pixels, notes = converted(tmp_path, image, "tif" if mode == "CMYK" else "png")
    assert (pixels == np.asarray(image.convert("RGB"))).all()
    assert said in notes


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_over_black(tmp_path: Path, mode: str) -> None:
    image = picture(9, 32, "RGBA")
    image.putalpha(
        Image.fromarray(np.repeat(np.array([[0], [255]], np.uint8), 16, axis=0).repeat(32, axis=1))
    )
    image = image.convert("LA") if mode == "LA" else image
    if mode == "P":
        image = Image.fromarray(
            np.repeat([[0], [1]], 16, axis=0).repeat(32, axis=1).astype(np.uint8)
        ).convert("P")
        image.info["transparency"] = 0
    pixels, notes = converted(tmp_path, image)
    assert (pixels[:16] == 0).all()
    assert (pixels[16:] == np.asarray(image.convert("RGB"))[16:]).all()
    assert "images with transparency, laid over black: 1" in notes


def test_of_16_bits_the_upper_8_are_kept(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 1 << 16, (32, 32)).astype(np.uint16)
    pixels, notes = converted(tmp_path, Image.fromarray(grey))
    assert (pixels == (grey >> 8)[..., None]).all()
    assert "images turned from 16 bits into RGB: 1" in notes


def test_files_that_are_no_images_are_left_out_and_counted(flat: Path) -> None:
    (flat / "labels.txt").write_text("cat")
    (flat / ".hidden.png").write_text("no image")
    assert "files left out because they do not end as images do: 1" in open_folder(flat).notes


def test_an_image_that_is_too_small_is_named_with_its_size(flat: Path) -> None:
    save(flat / "small.png", picture(0, 20))
    with pytest.raises(UserError, match=r"small.png is 20 x 20 pixels; this suite needs 32 x 32"):
        open_folder(flat)


def corrupt(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + bytes(17))


def truncated(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def floating(path: Path) -> None:
    Image.fromarray(np.zeros((64, 64), np.float32)).save(path, format="TIFF")


@pytest.mark.parametrize("damage", [corrupt, truncated, floating, lambda path: path.write_bytes(b"")])
def test_a_file_that_cannot_be_decoded_is_named(flat: Path, damage: Callable[[Path], None]) -> None:
    damage(flat / "07.png")
    with pytest.raises(UserError, match=r"07.png cannot be read as an image"):
        open_folder(flat)


def test_a_link_to_nothing_is_named(flat: Path) -> None:
    (flat / "gone.png").symlink_to(flat / "nowhere.png")
    with pytest.raises(UserError, match=r"gone.png cannot be read"):
        open_folder(flat)


def test_a_folder_without_permission_is_named(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match=r"flat cannot be read \(Permission denied\)"):
        open_folder(flat)


def test_a_folder_that_is_missing_empty_or_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for name, said in (
        ("none", "there is no folder"),
        ("file", "not a folder"),
        ("empty", "holds no images"),
    ):
        with pytest.raises(UserError, match=said):
            open_folder(tmp_path / name)


def test_no_folder_at_all_is_refused_with_the_option() -> None:
    with pytest.raises(UserError, match="--images-dir PATH"):
        open_folder(None)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", "b", "c"], "holds 3 images; at least 6"),
        (["train/a"], "has images in train/ but none in test/"),
        (["test/a"], "has images in test/ but none in train/"),
        (["train/a", "test/a"], "no validation/ and 1 training images"),
    ],
)
def test_a_folder_that_cannot_be_split_is_refused(tmp_path: Path, names: list[str], said: str) -> None:
    for name in names:
        save(tmp_path / f"{name}.png", picture(0))
    with pytest.raises(UserError, match=said):
        open_folder(tmp_path)


@pytest.mark.parametrize("index", [-1, 8])
def test_an_index_that_a_split_does_not_have_is_refused(flat: Path, index: int) -> None:
    with pytest.raises(UserError, match="folder has 8 train images"):
        open_folder(flat).take("train", np.array([0, index]))


def test_the_digest_follows_the_pixels_and_their_order(flat: Path) -> None:
    before = open_folder(flat).digest()
    (flat / "00.png").rename(flat / "zz.png")
    moved = open_folder(flat).digest()
    (flat / "zz.png").rename(flat / "00.png")
    assert before == open_folder(flat).digest() != moved


# The real sets, where they are.


@pytest.fixture(scope="session")
def real_cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    script = DATA / "cifar10" / "unpack.py"
    if not script.is_file():
        pytest.skip(
            f"CIFAR-10 is not at {script.parent}; set EASY2HARD_TEST_DATA to the folder that holds it"
        )
    spec = importlib.util.spec_from_file_location("unpack", script)
    assert spec is not None
    assert spec.loader is not None
    unpack = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unpack)
    out = tmp_path_factory.mktemp("cifar10")
    unpack.main(out)
    return out


def test_the_drawn_pictures_are_like_cifar(real_cifar: Path, many: np.ndarray) -> None:
    source = open_cifar(real_cifar)
    assert [source.rows(split) for split in SPLITS] == [40_000, 10_000, 10_000]
    photographs = source.take("test", np.arange(1000))
    assert abs(slope(many) - slope(photographs)) < 0.3
    assert 0.7 < kurtosis(many) / kurtosis(photographs) < 1.7
    for ours, theirs in zip(restored(many[:300]), restored(photographs[:300]), strict=True):
        assert abs(ours - theirs) < 0.7


def test_a_part_of_the_real_tiny_imagenet_is_read_from_its_zip() -> None:
    path = DATA / "tiny_imagenet" / "tiny-imagenet-200-mini.zip"
    if not path.is_file():
        pytest.skip(f"Tiny ImageNet is not at {path}; set EASY2HARD_TEST_DATA to the folder that holds it")
    source = open_tiny(path)
    assert [source.rows(split) for split in SPLITS] == [4000, 1000, 5000]
    assert source.notes == ("images turned from grey into RGB: 168",)
