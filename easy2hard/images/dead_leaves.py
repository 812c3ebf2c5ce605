"""Small procedural photographs: leaves that hide one another, in light, with texture, out of integers alone.

The dead-leaves model (Lee, Mumford and Huang, "Occlusion models for natural images", IJCV 2001, section 3)
covers the plane with opaque shapes whose sizes follow a density r^-3, and has the edges and the power
spectrum of photographs. Here the leaves fall in groups, as things do in a picture: what stands in front; one
to three objects, each with markings, limbs and a body; what grows or lies on the ground; what stands along
the horizon; the ground; the sky or a wall. A group has a palette, a light, a grain and a spread of its own.

A picture is a function of (key, index) in whole numbers: no float, no libm, so its bits hold on every machine.
Lengths are in 1/64 of a pixel, luminances in 1/16 of a grey level, factors in 1/256 or 1/4096.
"""

from collections.abc import Callable
from hashlib import blake2b
from math import isqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from easy2hard.errors import UserError
from easy2hard.images import SPLITS, Indices, Pixels
from easy2hard.rng import inlined, kernel, philox

VERSION = 1  # part of the digest: a change of any number below is another version
I64 = NDArray[np.int64]

HEADER = 128  # words that set the scene; four more fall to each leaf
GRAIN_BLOCK = 1 << 24  # where the words of the texture begin, in blocks
ONE = 64  # a pixel
WHITE = 4080

# Half the chord of a disc at height t/256, in 1/4096 of its radius; the sine of a 64th of a turn, in 1/4096.
CHORD = np.array([isqrt((65536 - t * t) << 8) for t in range(257)], np.int64)
_QUARTER = (0, 401, 799, 1189, 1567, 1931, 2276, 2598, 2896, 3166, 3406, 3612, 3784, 3920, 4017, 4076, 4096)
_HALF_TURN = _QUARTER + _QUARTER[-2:0:-1]
SINE = np.array(_HALF_TURN + tuple(-value for value in _HALF_TURN), np.int64)

# Columns of the table of groups, which are listed from front to back.
(
    COUNT, X, Y, SPREAD_X, SPREAD_Y, SMALLEST, LARGEST, WIDTH, HEIGHT, TALL, ROUND, RIGID, MIRROR,
    LUM, WARM, GREEN, CONTRAST, COLOURS, GRAIN, COARSE, LIGHT_X, LIGHT_Y, BEHIND,
) = range(23)  # fmt: skip
FRONT, OBJECTS, CLUTTER, SKYLINE, GROUND, SKY, GROUPS = 0, 1, 10, 11, 12, 13, 14

# Columns of the table of leaves.
(
    CX, CY, A, B, SHEAR, CORNERS, ANGLE, LEVEL, RED, GRN, BLUE, SLOPE_X, SLOPE_Y, TEXTURE, SHIFT_X, SHIFT_Y,
    ZOOM_X, ZOOM_Y, SHADED,
) = range(19)  # fmt: skip


@inlined
def between(word: int, low: int, high: int) -> int:
    """A whole number low <= n < high, uniform."""
    return low + (word * (high - low) >> 32)


@inlined
def bell(word: int) -> int:
    """-65535..65535, triangular: the difference of the word's halves."""
    return (word & 65535) - (word >> 16)


@inlined
def peaked(word: int) -> int:
    """-256..256, most often near 0: the product of the word's halves, each taken as -128..128."""
    return ((word & 65535) - 32768) * ((word >> 16) - 32768) >> 22


@kernel
def mood(w: I64, size: int) -> tuple[int, int, int, int, int, int]:
    """What the whole picture shares: tint, tint, saturation, texture, business, whether it is a wall."""
    warm = 8 + (bell(w[0]) * 24 >> 16)
    green = bell(w[1]) * 7 >> 16
    vivid = 24 + ((w[2] & 65535) * (w[2] >> 16) >> 24)
    texture = 90 + (between(w[3], 0, 256) * between(w[4], 0, 256) >> 7)
    busy = between(w[5], 30, 256)
    return warm, green, vivid, texture, busy, w[6] >> 28


@kernel
def setting(g: I64, w: I64, size: int) -> None:
    """Fill the groups of the surroundings: front, clutter, skyline, ground and sky."""
    side = ONE * size
    warm, green, vivid, texture, busy, kind = mood(w, size)
    outdoors, thicket = kind < 9, kind >= 13
    horizon = between(w[8], side // 5, side) if outdoors else between(w[8], side // 2, 2 * side)
    light_x, light_y = bell(w[9]) >> 4, -abs(bell(w[10])) >> 4
    lum = between(w[11], 500, 2900)
    ground_warm = warm + (between(w[12], -10, 110) * vivid >> 8)
    ground_green = green + (between(w[13], -40, 150) * vivid >> 8)
    tall = between(w[14], 110, 480)
    for k in (FRONT, CLUTTER, SKYLINE, GROUND, SKY):
        g[k, X] = side // 2
        g[k, SPREAD_X] = side // 2
        g[k, LUM] = lum
        g[k, WARM] = ground_warm
        g[k, GREEN] = ground_green
        g[k, GRAIN] = texture
        g[k, LIGHT_X], g[k, LIGHT_Y] = 500 * light_x >> 12, 500 * light_y >> 12
        g[k, ROUND] = 110
        g[k, TALL] = max(256, tall)
        g[k, COLOURS] = 12 + (vivid >> 3)
        g[k, BEHIND] = k > FRONT
    g[FRONT, COUNT] = between(w[15], 0, 26) * busy >> 8
    g[FRONT, Y], g[FRONT, SPREAD_Y] = side + side // 8, side // 3
    g[FRONT, SMALLEST], g[FRONT, LARGEST], g[FRONT, CONTRAST] = 54, side // 7, 280
    g[CLUTTER, COUNT] = (between(w[16], 0, 130) + (60 if thicket else 0)) * busy >> 8
    g[CLUTTER, Y] = side // 2 if thicket else (horizon + side) // 2
    g[CLUTTER, SPREAD_Y] = side // 2 if thicket else max(side // 8, (side - horizon) // 2)
    g[CLUTTER, SMALLEST], g[CLUTTER, LARGEST], g[CLUTTER, CONTRAST] = 60, side // 3, between(w[17], 80, 420)
    g[CLUTTER, TALL] = tall
    g[SKYLINE, COUNT] = between(w[18], 0, 12) if outdoors else 0
    g[SKYLINE, Y], g[SKYLINE, SPREAD_Y] = horizon, side // 20
    g[SKYLINE, SMALLEST], g[SKYLINE, LARGEST], g[SKYLINE, CONTRAST] = side // 22, side // 3, 300
    g[SKYLINE, LUM] = lum * 3 // 4
    g[SKYLINE, WARM] = warm + (ground_warm - warm) // 2
    g[SKYLINE, RIGID] = w[19] & 1
    g[GROUND, COUNT], g[GROUND, WIDTH], g[GROUND, HEIGHT] = 1, 32 * side, 8 * side
    g[GROUND, Y] = horizon + 8 * side
    g[GROUND, GRAIN] = texture * 3 // 2
    g[SKY, COUNT], g[SKY, WIDTH], g[SKY, HEIGHT], g[SKY, Y] = 1, 8 * side, 8 * side, side // 2
    for k in (GROUND, SKY):
        g[k, ROUND] = 256
        g[k, LIGHT_X], g[k, LIGHT_Y] = bell(w[20 + k - GROUND]) >> 3, bell(w[22 + k - GROUND]) >> 2
    g[SKY, LUM] = between(w[24], 1700, 3950) if outdoors else between(w[24], 150, 4050)
    blue = -(between(w[25], 0, 150) * vivid >> 8)
    g[SKY, WARM] = warm + (blue if outdoors else peaked(w[25]) * vivid >> 8)
    g[SKY, GREEN] = green + (0 if outdoors else peaked(w[26]) * vivid >> 9)
    g[SKY, GRAIN] = texture * between(w[27], 20, 256) >> 8


@kernel
def thing(g: I64, w: I64, size: int, which: int) -> None:
    """Fill the three groups of an object: its markings, its limbs and its body."""
    side = ONE * size
    warm, green, vivid, texture, busy, kind = mood(w, size)
    v = w[48 + 16 * which :]
    first = OBJECTS + 3 * which
    off = 18 if which == 0 else 16
    x = side // 2 + (bell(v[0]) * side >> off)
    y = side // 2 + side // 16 + (bell(v[1]) * side >> off)
    wide, high = between(v[2], side // 7, side * 4 // 9), between(v[3], side // 8, side * 4 // 9)
    if which > 0:
        wide, high = wide // 2, high // 2
    light_x, light_y = bell(w[9]) >> 4, -abs(bell(w[10])) >> 4
    for k in range(first, first + 3):
        g[k, X], g[k, Y] = x, y
        g[k, LUM] = between(v[4], 200, 3900)
        g[k, WARM] = warm + 8 + (peaked(v[5]) * (vivid + 16) >> 8)
        g[k, GREEN] = green + (peaked(v[6]) * (vivid + 16) >> 9)
        g[k, GRAIN] = texture * between(v[7], 40, 330) >> 8
        g[k, RIGID] = v[8] >> 30 == 0
        g[k, MIRROR] = (v[8] >> 29) & 1
        g[k, TALL] = 256
        g[k, ROUND] = 120
        g[k, COARSE] = (v[8] >> 24) & 3
        g[k, LIGHT_X], g[k, LIGHT_Y] = 1400 * light_x >> 12, 1400 * light_y >> 12
    marks, limbs, body = first, first + 1, first + 2
    small = min(wide, high)
    g[marks, COUNT] = between(v[9], 4, 56) * busy >> 8
    g[marks, SPREAD_X], g[marks, SPREAD_Y] = wide * 7 // 8, high * 7 // 8
    g[marks, SMALLEST], g[marks, LARGEST] = 44, small * 5 // 8
    g[marks, CONTRAST], g[marks, COLOURS] = between(v[10], 80, 560), 10 + (vivid >> 3)
    g[limbs, COUNT] = 2 + (v[8] & 7)
    g[limbs, SPREAD_X], g[limbs, SPREAD_Y] = wide, high
    g[limbs, SMALLEST], g[limbs, LARGEST] = small >> 2, small
    g[limbs, CONTRAST], g[limbs, COLOURS] = between(v[11], 40, 300), 8 + (vivid >> 4)
    g[body, COUNT], g[body, WIDTH], g[body, HEIGHT] = 1, wide, high


@kernel
def compose(g: I64, w: I64, size: int) -> int:
    """Fill the table of groups from the header words; how many leaves it asks for."""
    g[:] = 0
    setting(g, w, size)
    things = 1 + between(w[40], 0, 2) * between(w[41], 0, 3)
    for which in range(min(things, 3)):
        thing(g, w, size, which)
    return g[:, COUNT].sum()


@kernel
def fall(leaf: I64, group: I64, w0: int, w1: int, w2: int, w3: int) -> None:
    """Draw one leaf of a group from its four words."""
    leaf[CX] = group[X] + (((w0 & 65535) * 2 - 65535) * group[SPREAD_X] >> 16)
    leaf[CY] = group[Y] + (((w0 >> 16) * 2 - 65535) * group[SPREAD_Y] >> 16)
    # 1 / max(u, v) of two uniform numbers has the density 2 r^-3: the dead-leaves law without a root.
    radius = min(group[LARGEST], (group[SMALLEST] << 16) // (max(w1 & 65535, w1 >> 16) + 1))
    aspect = (150 + (w2 & 255)) * group[TALL] >> 8
    leaf[A], leaf[B] = max(24, (radius << 8) // max(1, aspect)), max(24, radius * aspect >> 8)
    leaf[SHEAR] = ((w2 >> 8) & 255) - 128
    shape = (w2 >> 16) & 255
    leaf[CORNERS] = 0 if shape < group[ROUND] or radius < ONE else 3 + (shape & 1) + ((shape & 6) == 6)
    leaf[ANGLE] = (w2 >> 24) | (w1 & 0xFFF0) << 4
    if group[RIGID]:
        leaf[SHEAR] = 0
        if leaf[CORNERS]:
            leaf[CORNERS], leaf[ANGLE] = 4, 8
    if group[WIDTH]:
        leaf[A], leaf[B] = group[WIDTH], group[HEIGHT]
        leaf[SHEAR] >>= 1
    contrast = group[CONTRAST] * ((((w3 & 255) - 128) * (((w3 >> 8) & 255) - 128)) >> 6) >> 8
    leaf[LEVEL] = max(48, min(WHITE, group[LUM] * (256 + contrast) >> 8))
    warm = group[WARM] + (group[COLOURS] * (((w3 >> 16) & 255) - 128) >> 7)
    green = group[GREEN] + (group[COLOURS] * ((w3 >> 24) - 128) >> 8)
    leaf[RED], leaf[GRN], leaf[BLUE] = 256 + warm - (green >> 1), 256 + (green >> 1), 256 - warm - (green >> 1)
    leaf[TEXTURE] = group[GRAIN]
    leaf[SHIFT_X], leaf[SHIFT_Y] = (w0 >> 5) & 1023, (w1 >> 7) & 1023
    leaf[ZOOM_X], leaf[ZOOM_Y] = group[COARSE] == 1, group[COARSE] == 2
    leaf[SLOPE_X], leaf[SLOPE_Y] = (group[LIGHT_X] << 12) // leaf[A], (group[LIGHT_Y] << 12) // leaf[B]
    leaf[SHADED] = group[BEHIND]


@kernel
def scatter(leaves: I64, g: I64, w: I64) -> int:
    """Fill the table of leaves, front to back, from the groups; how many there are."""
    count = 0
    for k in range(GROUPS):
        for i in range(g[k, COUNT]):
            leaf, at = leaves[count], HEADER + 4 * count
            fall(leaf, g[k], w[at], w[at + 1], w[at + 2], w[at + 3])
            if g[k, MIRROR] and i & 1:
                leaf[:] = leaves[count - 1]
                leaf[CX], leaf[SHEAR] = 2 * g[k, X] - leaf[CX], -leaf[SHEAR]
            count += 1
    return count


@kernel
def weave(field: I64, coarse: I64, key: np.uint64, index: np.uint64, rough: int) -> None:
    """Fill `field` (p, p), p a power of two, with periodic noise, equal in every octave where `rough` is 256.

    Each octave doubles the one before (bilinear, 3:1 weights) and adds signed bytes.
    """
    period = field.shape[0]
    field[0, 0] = 0
    n, block, height = 1, GRAIN_BLOCK, 256
    while n < period:
        for y in range(n):
            for x in range(n):
                coarse[y, x] = field[y, x]
        for y in range(2 * n):
            y0, y1 = y >> 1, ((y >> 1) + (1 if y & 1 else n - 1)) % n
            for x in range(2 * n):
                x0, x1 = x >> 1, ((x >> 1) + (1 if x & 1 else n - 1)) % n
                near = 9 * coarse[y0, x0] + 3 * (coarse[y0, x1] + coarse[y1, x0]) + coarse[y1, x1]
                field[y, x] = near >> 4
        n *= 2
        if n >= 4:
            block = ruffle(field, n, key, index, block, height)
            height = height * rough >> 8


@kernel
def ruffle(field: I64, n: int, key: np.uint64, index: np.uint64, block: int, height: int) -> int:
    """Add a signed byte, times `height` / 256, to each of the n x n values; the first block left unused."""
    for y in range(n):
        for x in range(0, n, 4):
            if x & 12 == 0:
                words = philox(key, np.uint32(block), np.uint32(0), index)
                block += 1
            word = np.int64(words[(x >> 2) & 3])
            for k in range(4):
                field[y, x + k] += (2 * ((word >> (8 * k)) & 255) - 255) * height >> 8
    return block


@kernel
def shade(light: I64, g: I64, w: I64) -> None:
    """Fill `light` (size, size), in 1/4096, with the soft shadows that the objects cast on what is behind."""
    size = light.shape[0]
    light[:] = 4096
    for which in range(3):
        body = g[OBJECTS + 3 * which + 2]
        if body[COUNT] == 0:
            break
        depth = between(w[48 + 16 * which + 12], 0, 3400)
        x0 = body[X] - (body[LIGHT_X] * body[WIDTH] >> 12)
        y0 = body[Y] + body[HEIGHT] * 3 // 4
        a, b = body[WIDTH] * 5 // 4 + ONE, body[HEIGHT] // 2 + ONE
        ia, ib = (1 << 18) // a, (1 << 18) // b
        for py in range(size):
            dy = (ONE * py + 32 - y0) * ib >> 12
            if abs(dy) < 64:
                for px in range(size):
                    dx = (ONE * px + 32 - x0) * ia >> 12
                    light[py, px] -= depth * max(0, 4096 - dx * dx - dy * dy) >> 12
    for py in range(size):
        for px in range(size):
            light[py, px] = max(800, light[py, px])


@kernel
def outline(leaf: I64, edges: I64) -> tuple[int, int]:
    """Fill `edges` (corner x, corner y, direction, slope in 1/4096) of a polygon; its first and last height."""
    n = leaf[CORNERS]
    top, bottom = leaf[CY] + leaf[B], leaf[CY] - leaf[B]
    for c in range(n):
        at = (leaf[ANGLE] + (64 * c) // n + ((leaf[ANGLE] >> (6 + 3 * c)) & 7)) & 63
        rise = leaf[B] * SINE[at] >> 12
        edges[c, 1] = leaf[CY] + rise
        edges[c, 0] = leaf[CX] + (leaf[A] * SINE[(at + 16) & 63] >> 12) + (leaf[SHEAR] * rise >> 8)
        top, bottom = min(top, edges[c, 1]), max(bottom, edges[c, 1])
    for c in range(n):
        after = c + 1 if c + 1 < n else 0
        dx, dy = edges[after, 0] - edges[c, 0], edges[after, 1] - edges[c, 1]
        edges[c, 2] = (dy > 0) - (dy < 0)
        edges[c, 3] = (dx << 12) // dy if dy else 0
    return top, bottom


@inlined
def span(leaf: I64, edges: I64, inverse: int, y: int) -> tuple[int, int]:
    """The first and the last x of a leaf at height y."""
    if leaf[CORNERS] == 0:
        dy = y - leaf[CY]
        half = leaf[A] * CHORD[(abs(dy) * inverse) >> 16] >> 12
        middle = leaf[CX] + (leaf[SHEAR] * dy >> 8)
        return middle - half, middle + half
    low, high = -(1 << 60), 1 << 60
    for c in range(leaf[CORNERS]):
        if edges[c, 2] != 0:
            x = edges[c, 0] + (edges[c, 3] * (y - edges[c, 1]) >> 12)
            if edges[c, 2] > 0:
                high = min(high, x)
            else:
                low = max(low, x)
    return low, high


@inlined
def ones(mask: int) -> int:
    """How many of 16 bits are set."""
    mask = mask - ((mask >> 1) & 0x5555)
    mask = (mask & 0x3333) + ((mask >> 2) & 0x3333)
    mask = (mask + (mask >> 4)) & 0x0F0F
    return (mask + (mask >> 8)) & 31


@inlined
def stain(total: I64, leaf: I64, samples: int, px: int, py: int, side: int, field: I64, light: I64) -> None:
    """Add `samples` sixteenths of a pixel in a leaf's colour."""
    wrap = field.shape[0] - 1
    x = ONE * px + 32 - max(0, min(side, leaf[CX]))
    y = ONE * py + 32 - max(0, min(side, leaf[CY]))
    weave = field[((py >> leaf[ZOOM_Y]) + leaf[SHIFT_Y]) & wrap, ((px >> leaf[ZOOM_X]) + leaf[SHIFT_X]) & wrap]
    factor = max(500, 4096 + ((leaf[SLOPE_X] * x + leaf[SLOPE_Y] * y) >> 12) + (leaf[TEXTURE] * weave >> 8))
    if leaf[SHADED]:
        factor = factor * light[py, px] >> 12
    lum = samples * (leaf[LEVEL] * factor >> 12)
    total[0] += lum * leaf[RED] >> 8
    total[1] += lum * leaf[GRN] >> 8
    total[2] += lum * leaf[BLUE] >> 8


@kernel
def render(total: I64, cover: I64, leaves: I64, count: int, field: I64, light: I64) -> None:
    """Paint the leaves front to back, 16 samples a pixel, each sample once; `total` is 256 x the grey level."""
    size = total.shape[0]
    cover[:] = 0
    total[:] = 0
    left = 16 * size * size
    low, high, edges = np.empty(4, np.int64), np.empty(4, np.int64), np.empty((8, 4), np.int64)
    for k in range(count):
        leaf = leaves[k]
        top, bottom = leaf[CY] - leaf[B], leaf[CY] + leaf[B]
        if leaf[CORNERS]:
            top, bottom = outline(leaf, edges)
        inverse = (256 << 16) // leaf[B]
        for py in range(max(0, top >> 6), min(size - 1, bottom >> 6) + 1):
            first, last, inner_first, inner_last = 4 * size, 0, 0, 4 * size
            for j in range(4):
                y = ONE * py + 16 * j + 8
                low[j], high[j] = 4 * size, 0
                if top <= y <= bottom:
                    x0, x1 = span(leaf, edges, inverse, y)
                    low[j], high[j] = max(0, (x0 + 7) >> 4), min(4 * size, ((x1 - 8) >> 4) + 1)
                first, last = min(first, low[j]), max(last, high[j])
                inner_first, inner_last = max(inner_first, low[j]), min(inner_last, high[j])
            for px in range(first >> 2, (last + 3) >> 2):
                if cover[py, px] == 0xFFFF:
                    continue
                mask = 0xFFFF
                if 4 * px < inner_first or 4 * px + 4 > inner_last:
                    mask = 0
                    for j in range(4):
                        x0, x1 = max(low[j] - 4 * px, 0), min(high[j] - 4 * px, 4)
                        if x0 < x1:
                            mask |= ((1 << x1) - (1 << x0)) << (4 * j)
                mask &= ~cover[py, px]
                if mask:
                    cover[py, px] |= mask
                    left -= ones(mask)
                    stain(total[py, px], leaf, ones(mask), px, py, ONE * size, field, light)
        if left == 0:
            break


@kernel
def develop(out: Pixels, total: I64, soft: int) -> None:
    """Blur with the weights (soft, 16 - 2 soft, soft) / 16 both ways, round to nearest, clip to bytes."""
    size = total.shape[0]
    for y in range(size):
        up, down = max(0, y - 1), min(size - 1, y + 1)
        for x in range(size):
            left, right = max(0, x - 1), min(size - 1, x + 1)
            for c in range(3):
                a = soft * (total[up, left, c] + total[down, left, c]) + (16 - 2 * soft) * total[y, left, c]
                b = soft * (total[up, x, c] + total[down, x, c]) + (16 - 2 * soft) * total[y, x, c]
                d = soft * (total[up, right, c] + total[down, right, c]) + (16 - 2 * soft) * total[y, right, c]
                value = soft * (a + d) + (16 - 2 * soft) * b
                out[y, x, c] = max(0, min(255, (value + (1 << 15)) >> 16))


@kernel
def pictures(out: Pixels, key: np.uint64, indices: Indices) -> None:
    """Draw the pictures with these indices into `out` (n, size, size, 3)."""
    size = out.shape[1]
    period = 4
    while period < size:
        period *= 2
    w = np.empty(HEADER, np.int64)
    g = np.empty((GROUPS, 23), np.int64)
    leaves = np.empty((512, 19), np.int64)
    field, coarse = np.empty((period, period), np.int64), np.empty((period, period), np.int64)
    light, cover = np.empty((size, size), np.int64), np.empty((size, size), np.int64)
    total = np.empty((size, size, 3), np.int64)
    for i in range(indices.size):
        index = np.uint64(indices[i])
        draw(w, key, index, HEADER)
        count = compose(g, w, size)
        if HEADER + 4 * count > w.size:
            w = np.empty(HEADER + 8 * count, np.int64)
            leaves = np.empty((2 * count, 19), np.int64)
        draw(w, key, index, HEADER + 4 * count)
        count = scatter(leaves, g, w)
        weave(field, coarse, key, index, between(w[28], 130, 250))
        shade(light, g, w)
        render(total, cover, leaves, count, field, light)
        develop(out[i], total, between(w[29], 0, 4))


@kernel
def draw(w: I64, key: np.uint64, index: np.uint64, count: int) -> None:
    """The first `count` words of a picture; a multiple of 4."""
    for block in range(count // 4):
        a, b, c, d = philox(key, np.uint32(block), np.uint32(0), index)
        w[4 * block], w[4 * block + 1], w[4 * block + 2], w[4 * block + 3] = a, b, c, d


class DeadLeaves:
    """Endless procedural images; a `Source`."""

    name = "dead_leaves"
    notes: tuple[str, ...] = ()

    def __init__(self, size: int, key: Callable[[str], int]) -> None:
        self._size = size
        self._key = key

    def rows(self, split: str) -> int | None:
        return None

    def take(self, split: str, indices: Indices) -> Pixels:
        out = np.empty((len(indices), self._size, self._size, 3), np.uint8)
        pictures(out, np.uint64(self._key(split)), np.asarray(indices, np.int64))
        return out

    def digest(self) -> str:
        total = blake2b(f"dead_leaves {VERSION}".encode(), digest_size=16)
        for split in SPLITS:
            total.update(self.take(split, np.arange(64)).tobytes())
        return total.hexdigest()


def open(
    size: int, key: Callable[[str], int], directory: Path | None, hub: str | None, revision: str | None
) -> DeadLeaves:
    """The procedural source; needs no folder and no Hub."""
    if not 8 <= size <= 1024:
        raise UserError(f"dead leaves are drawn at sizes 8 to 1024; got {size}.")
    return DeadLeaves(size, key)
