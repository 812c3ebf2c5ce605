"""Slow, plain-Python versions of what easy2hard draws, written for reading and compared with by the tests."""

from fractions import Fraction

_MASK = 0xFFFFFFFF


def philox(key: tuple[int, int], counter: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Philox4x32-10 on plain integers: key and counter as 32-bit words, lowest first."""
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(10):
        left, right = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & _MASK, (left >> 32) ^ c3 ^ k1, left & _MASK
        k0, k1 = (k0 + 0x9E3779B9) & _MASK, (k1 + 0xBB67AE85) & _MASK
    return c0, c1, c2, c3


def words(key: int, index: int, count: int, stream: int = 0, attempt: int = 0) -> list[int]:
    """The first `count` words of one sample's stream."""
    halves = key & _MASK, key >> 32
    blocks = [
        philox(halves, (block, stream << 16 | attempt, index & _MASK, index >> 32))
        for block in range(-(-count // 4))
    ]
    return [word for block in blocks for word in block][:count]


def salt_and_pepper(
    clean: list[list[int]], level: str, key: int, index: int, stream: int = 0
) -> list[list[int]]:
    """One image as a list of pixels, a pixel as the list of its channels."""
    threshold = round(Fraction(level) * 2**31)
    noisy = []
    for pixel, word in zip(clean, words(key, index, len(clean), stream), strict=True):
        black, white = word < threshold, word >= 2**32 - threshold
        noisy.append([0 if black else 255 if white else value for value in pixel])
    return noisy


def gaussian(clean: list[int], table: list[int], key: int, index: int, stream: int = 0) -> list[int]:
    """One image as a list of values, with an alias table of `height << 9 | other`."""
    noisy = []
    for value, word in zip(clean, words(key, index, len(clean), stream), strict=True):
        column, height = word >> 23, word & (2**23 - 1)
        pick = column if height < table[column] >> 9 else table[column] & 511
        noisy.append(min(max(value + pick - 256, 0), 255))
    return noisy
