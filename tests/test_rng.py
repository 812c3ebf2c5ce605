"""The random words: published vectors, the oracle, and the independence that the suites rest on."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import oracle
import pytest
from hypothesis import given, strategies as st

from easy2hard import rng

U64 = st.integers(0, 2**64 - 1)
U63 = st.integers(0, 2**63 - 1)
U16 = st.integers(0, 2**16 - 1)

# (counter, key, output): the three philox4x32-10 vectors that Random123 publishes in its file kat_vectors.
KNOWN = [
    ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_oracle_gives_the_published_vectors(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    assert oracle.philox(key, counter) == expected


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_kernel_gives_the_published_vectors(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    drawn = rng.philox(
        np.uint64(key[1] << 32 | key[0]),
        np.uint32(counter[0]),
        np.uint32(counter[1]),
        np.uint64(counter[3] << 32 | counter[2]),
    )
    assert drawn == expected


@given(key=U64, index=U63, stream=U16, attempt=U16, count=st.integers(1, 41))
def test_words_are_those_of_the_oracle(key: int, index: int, stream: int, attempt: int, count: int) -> None:
    drawn = rng.words(key, np.array([index]), count, stream, attempt)
    assert drawn.shape == (1, count)
    assert drawn.dtype == np.uint32
    assert drawn[0].tolist() == oracle.words(key, index, count, stream, attempt)


@given(order=st.permutations(range(12)), take=st.integers(1, 12))
def test_a_sample_has_the_same_words_in_any_order_and_any_subset(order: list[int], take: int) -> None:
    chosen = np.array(order[:take])
    assert np.array_equal(rng.words(7, chosen, 20), rng.words(7, np.arange(12), 20)[chosen])


def test_a_shorter_draw_is_the_start_of_a_longer_one() -> None:
    assert np.array_equal(rng.words(7, np.arange(3), 5), rng.words(7, np.arange(3), 64)[:, :5])


def test_threads_draw_the_same_words() -> None:
    parts = np.array_split(np.arange(4000), 8)
    with ThreadPoolExecutor(4) as pool:
        drawn = np.concatenate(list(pool.map(lambda part: rng.words(3, part, 64), parts)))
    assert np.array_equal(drawn, rng.words(3, np.arange(4000), 64))


def test_neighbours_share_no_words() -> None:
    draws = [rng.words(9, np.arange(50), 40)] + [
        rng.words(key, np.arange(50), 40, stream, attempt)
        for key, stream, attempt in [(10, 0, 0), (9, 1, 0), (9, 0, 1)]
    ]
    values = np.concatenate([draw.ravel() for draw in draws])
    # 8,000 words of 32 bits repeat with a chance of 0.7 %; these do not.
    assert np.unique(values).size == values.size


@pytest.mark.parametrize(("stream", "attempt"), [(-1, 0), (65536, 0), (0, -1), (0, 65536)])
def test_a_stream_or_attempt_beyond_16_bits_is_refused(stream: int, attempt: int) -> None:
    with pytest.raises(ValueError, match=r"0\.\.65535"):
        rng.words(1, np.arange(1), 4, stream, attempt)


def test_the_key_is_the_documented_hash() -> None:
    # printf 'easy2hard\0001\0000\000maze\000train\0009' | b2sum -l 64, its bytes read backwards.
    assert rng.key(1, 0, "maze", "train", "9") == 0xA31E85B0777FFFFE


def test_no_two_parts_of_a_key_can_be_mistaken_for_each_other() -> None:
    keys = [rng.key(1, 10, "a", "b", "c"), rng.key(11, 0, "a", "b", "c"), rng.key(1, 10, "ab", "", "c")]
    assert len(set(keys)) == 3
