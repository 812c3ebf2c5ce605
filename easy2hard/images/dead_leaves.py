"""Small procedural photographs: leaves that hide one another, in light, with texture, out of integers alone.

The dead-leaves model (Lee, Mumford and Huang, "Occlusion models for natural images", IJCV 41, 2001) covers the
plane with opaque shapes whose sizes follow a density r^-3, and has the edges and the power spectrum of
photographs. Here the leaves fall in groups, as things lie in a picture: what stands in front; one to three
things, each with markings, limbs and a body; what grows or lies on the ground; what stands along the horizon;
the ground; what is far away; the sky or a wall. A group has a palette, a light and a grain of its own.

A picture is a function of (key, index) in whole numbers: no float, no libm, so its bits hold on every machine.
Lengths are in 1/64 of a pixel, luminances in 1/16 of a grey level, factors in 1/256 or 1/4096.

On the way from random words to bytes: `compose` (groups), `scatter` (leaves), `weave` (texture), `shadow`
(light), `paint` (samples, front to back), `develop` (bytes). They stand in one file because numba's cache
notices a change only in the file of the kernel that it has compiled. Arrays are copied in loops: a slice
assigned to a slice makes numba compile its error message too, which takes longer than the rest of the kernel.
"""

from collections.abc import Callable
from hashlib import blake2b
from math import isqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from easy2hard.errors import UserError
from easy2hard.images import SPLITS, Indices, Pixels
from easy2hard.rng import inlined, kernel, philox

VERSION = 1  # part of the digest: where any number below changes, so does this one
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

HEADER = 128  # words that set the scene: 0-15 mood, 16-31 ground, 32-47 sky, then 20 for each thing
THINGS_AT, WORDS_PER_THING = 64, 20
WEAVE_AT = 1 << 24  # the Philox block where the texture's words begin; those of the leaves lie below it
ONE = 64  # a pixel
BLACK, WHITE, SHOULDER = 48, 4080, 3400
ALL = np.uint64(2**64 - 1)

# Half the chord of a disc at height t/256, and the sine of t/64 of a turn, both in 1/4096.
CHORD = np.array([isqrt((65536 - t * t) << 8) for t in range(257)], np.int64)
_QUARTER = (0, 401, 799, 1189, 1567, 1931, 2276, 2598, 2896, 3166, 3406, 3612, 3784, 3920, 4017, 4076, 4096)
_HALF = _QUARTER + _QUARTER[-2:0:-1]
SINE = np.array(_HALF + tuple(-value for value in _HALF), np.int64)

# The groups from front to back; a thing has three. Then the columns of a group, and those of a leaf.
FRONT, THINGS, CLUTTER, SKYLINE, GROUND, FAR, SKY, GROUPS = 0, 1, 10, 11, 12, 13, 14, 15
(
    COUNT, X, Y, SPREAD_X, SPREAD_Y, SMALLEST, LARGEST, WIDTH, HEIGHT, TALL, ROUND, RIGID, MIRROR,
    LUM, WARM, GREEN, CONTRAST, COLOURS, GRAIN, COARSE, LIGHT_X, LIGHT_Y, BEHIND, GROUP_COLUMNS,
) = range(24)  # fmt: skip
(
    CX, CY, A, B, SHEAR, CORNERS, ANGLE, LEVEL, RED, MID, BLUE, SLOPE_X, SLOPE_Y, TEXTURE, SHIFT_X, SHIFT_Y,
    ZOOM_X, ZOOM_Y, SHADED, LEAF_COLUMNS,
) = range(20)  # fmt: skip


class Mood(NamedTuple):
    """What a whole picture shares."""

    side: int  # of the picture
    horizon: int  # its height
    outdoors: bool  # sky and ground, not a wall
    thicket: bool  # leaves everywhere
    warm: int  # tint of the light, red against blue
    green: int  # and green against both
    vivid: int  # how far the hues go
    texture: int  # how much of it
    busy: int  # how many small leaves
    light_x: int  # where the light comes from, -4096..4096
    light_y: int


@inlined
def slot(i: int) -> np.uintp:
    """An index known not to be negative: numba then leaves out the test for one that counts from the end."""
    return np.uintp(i)


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
def swarm(word: int, low: int, high: int, m: Mood) -> int:
    """How many leaves of a pixel's size: `low` to `high` at 32 x 32, growing with the area, as r^-3 has it."""
    pixels = m.side // ONE
    return between(word, low, high) * m.busy * pixels * pixels >> 18


@kernel
def place(
    g: I64, count: int, x: int, y: int, spread_x: int, spread_y: int, smallest: int, largest: int
) -> None:
    """How many leaves of a group there are, where they fall, and how large they are."""
    g[COUNT], g[X], g[Y], g[SPREAD_X], g[SPREAD_Y] = count, x, y, spread_x, spread_y
    g[SMALLEST], g[LARGEST] = smallest, largest


@kernel
def dye(g: I64, lum: int, warm: int, green: int, contrast: int, colours: int, grain: int) -> None:
    """A group's colour, how far its leaves stray from it, and its texture."""
    g[LUM], g[WARM], g[GREEN], g[CONTRAST], g[COLOURS], g[GRAIN] = lum, warm, green, contrast, colours, grain


@kernel
def mood(w: I64, size: int) -> Mood:
    side, kind = ONE * size, w[0] >> 28
    outdoors, thicket = kind < 9, kind >= 13
    horizon = between(w[1], side // 5, side) if outdoors else between(w[1], side // 2, 2 * side)
    return Mood(
        side, horizon, outdoors, thicket,
        8 + (bell(w[2]) * 24 >> 16),
        bell(w[3]) * 7 >> 16,
        44 + ((w[4] & 65535) * (w[4] >> 16) >> 24),
        290 + (between(w[5], 0, 256) * between(w[6], 0, 256) >> 6),
        between(w[7], 30, 256),
        bell(w[8]) >> 4,
        -abs(bell(w[9])) >> 4,
    )  # fmt: skip


@kernel
def earth(g: I64, w: I64, m: Mood) -> None:
    """The front, the clutter, the skyline and the ground, which share a colour."""
    side, lum, tall = m.side, between(w[16], 450, 2600), between(w[17], 110, 480)
    warm = m.warm + (between(w[18], -10, 110) * m.vivid >> 8)
    green = m.green + (between(w[19], -40, 150) * m.vivid >> 8)
    colours = 12 + (m.vivid >> 3)
    for k in (FRONT, CLUTTER, SKYLINE, GROUND):
        dye(g[k], lum, warm, green, 280, colours, m.texture)
        g[k, ROUND], g[k, TALL], g[k, BEHIND] = 110, max(256, tall), k > FRONT
        g[k, LIGHT_X], g[k, LIGHT_Y] = 500 * m.light_x >> 12, 500 * m.light_y >> 12
    count = swarm(w[20], 0, 26, m)
    place(g[FRONT], count, side // 2, side + side // 8, side // 2, side // 3, 54, side // 7)
    middle, reach = (m.horizon + side) // 2, max(side // 8, (side - m.horizon) // 2)
    if m.thicket:
        middle, reach = side // 2, side // 2
    count = swarm(w[21], 60, 190, m) if m.thicket else swarm(w[21], 0, 130, m)
    place(g[CLUTTER], count, side // 2, middle, side // 2, reach, 60, side // 3)
    g[CLUTTER, CONTRAST], g[CLUTTER, TALL] = between(w[22], 100, 440), tall
    count = between(w[23], 0, 12) if m.outdoors else 0
    place(g[SKYLINE], count, side // 2, m.horizon, side // 2, side // 20, side // 22, side // 3)
    dye(g[SKYLINE], lum * 3 // 4, (warm + m.warm) >> 1, green, 300, colours, m.texture)
    g[SKYLINE, RIGID] = w[24] & 1
    place(g[GROUND], 1, side // 2, m.horizon + 8 * side, 0, 0, ONE, ONE)
    g[GROUND, WIDTH], g[GROUND, HEIGHT], g[GROUND, ROUND] = 32 * side, 8 * side, 256
    g[GROUND, GRAIN] = m.texture * 3 // 2
    g[GROUND, LIGHT_X], g[GROUND, LIGHT_Y] = bell(w[25]) >> 3, bell(w[26]) >> 2


@kernel
def heaven(g: I64, w: I64, m: Mood) -> None:
    """The sky, or a wall, and what is far away before it."""
    lum = between(w[32], 1600, 3900) if m.outdoors else between(w[32], 150, 3950)
    blue = -(between(w[33], 0, 150) * m.vivid >> 8)
    warm = m.warm + (blue if m.outdoors else peaked(w[33]) * m.vivid >> 8)
    green = m.green + (0 if m.outdoors else peaked(w[34]) * m.vivid >> 9)
    for k in (FAR, SKY):
        dye(g[k], lum, warm, green, between(w[35], 60, 400), 12 + (m.vivid >> 3), 0)
        g[k, GRAIN] = m.texture * between(w[36], 40, 300) >> 8
        g[k, ROUND], g[k, BEHIND], g[k, TALL] = 110, 1, between(w[37], 128, 400)
    half = m.horizon // 2
    place(g[FAR], between(w[38], 0, 16), m.side // 2, half, m.side // 2, half, m.side // 9, m.side // 2)
    g[FAR, LIGHT_X], g[FAR, LIGHT_Y], g[FAR, RIGID] = 500 * m.light_x >> 12, 500 * m.light_y >> 12, w[39] & 1
    place(g[SKY], 1, m.side // 2, m.side // 2, 0, 0, ONE, ONE)
    g[SKY, WIDTH], g[SKY, HEIGHT], g[SKY, ROUND] = 8 * m.side, 8 * m.side, 256
    g[SKY, LIGHT_X], g[SKY, LIGHT_Y] = bell(w[40]) >> 3, bell(w[41]) >> 2


@kernel
def thing(g: I64, v: I64, m: Mood, first: bool) -> None:
    """The markings, limbs and body of one thing, from its own words; the first thing is the largest."""
    x = m.side // 2 + (bell(v[0]) * m.side >> (18 if first else 16))
    y = m.side // 2 + m.side // 16 + (bell(v[1]) * m.side >> (18 if first else 16))
    wide = between(v[2], m.side // 7, m.side * 4 // 9) >> (0 if first else 1)
    high = between(v[3], m.side // 8, m.side * 4 // 9) >> (0 if first else 1)
    lum, warm = between(v[4], 200, 3900), m.warm + 8 + (peaked(v[5]) * (m.vivid + 16) >> 8)
    green = m.green + (peaked(v[6]) * (m.vivid + 16) >> 9)
    grain = m.texture * between(v[7], 60, 400) >> 8
    marks, limbs, body, small = g[0], g[1], g[2], min(wide, high)
    place(marks, swarm(v[8], 8, 72, m), x, y, wide * 7 // 8, high * 7 // 8, 52, small * 5 // 8)
    place(limbs, between(v[9], 2, 10), x, y, wide, high, small >> 2, small)
    place(body, 1, x, y, 0, 0, small, small)
    body[WIDTH], body[HEIGHT] = wide, high
    dye(marks, lum, warm, green, between(v[10], 140, 640), 10 + (m.vivid >> 3), grain)
    dye(limbs, lum, warm, green, between(v[11], 60, 420), 8 + (m.vivid >> 4), grain)
    dye(body, lum, warm, green, 0, 0, grain)
    for k in range(3):
        g[k, ROUND], g[k, TALL], g[k, COARSE] = 120, 256, v[12] >> 30
        g[k, RIGID], g[k, MIRROR] = v[13] >> 30 == 0, v[14] >> 29 < 3
        g[k, LIGHT_X], g[k, LIGHT_Y] = 1800 * m.light_x >> 12, 1800 * m.light_y >> 12


@kernel
def compose(g: I64, w: I64, size: int) -> int:
    """Fill the table of groups from the header words; how many leaves it asks for."""
    g[:] = 0
    m = mood(w, size)
    earth(g, w, m)
    heaven(g, w, m)
    for k in range(1 + between(w[10], 0, 2) * between(w[11], 0, 3)):
        thing(g[THINGS + 3 * k :], w[THINGS_AT + WORDS_PER_THING * k :], m, k == 0)
    total = 0
    for k in range(GROUPS):
        total += g[k, COUNT]
    return total


@kernel
def shape(leaf: I64, group: I64, w0: int, w1: int, w2: int) -> None:
    """Where a leaf lies, how large it is, and its outline: an ellipse, or a polygon within one."""
    leaf[CX] = group[X] + (((w0 & 65535) * 2 - 65535) * group[SPREAD_X] >> 16)
    leaf[CY] = group[Y] + (((w0 >> 16) * 2 - 65535) * group[SPREAD_Y] >> 16)
    # 1 / max(u, v) of two uniform numbers has the density 2 r^-3: the dead-leaves law without a root.
    radius = min(group[LARGEST], (group[SMALLEST] << 16) // (max(w1 & 65535, w1 >> 16) + 1))
    aspect = (150 + (w2 & 255)) * group[TALL] >> 8
    leaf[A], leaf[B] = max(24, (radius << 8) // aspect), max(24, radius * aspect >> 8)
    leaf[SHEAR], which = ((w2 >> 8) & 255) - 128, (w2 >> 16) & 255
    leaf[CORNERS] = 0 if which < group[ROUND] or radius < ONE else 3 + (which & 1) + ((which & 6) == 6)
    leaf[ANGLE] = (w2 >> 24) | (w1 & 0xFFF0) << 4
    if group[RIGID]:
        leaf[SHEAR] = 0
        leaf[CORNERS], leaf[ANGLE] = (4 if leaf[CORNERS] else 0), 8
    if group[WIDTH]:
        leaf[A], leaf[B], leaf[SHEAR] = group[WIDTH], group[HEIGHT], leaf[SHEAR] >> 1


@kernel
def colour(leaf: I64, group: I64, w0: int, w1: int, w3: int) -> None:
    """A leaf's luminance, hue, texture, and how the light falls off across it."""
    contrast = group[CONTRAST] * ((((w3 & 255) - 128) * (((w3 >> 8) & 255) - 128)) >> 6) >> 8
    leaf[LEVEL] = max(BLACK, min(WHITE, group[LUM] * (256 + contrast) >> 8))
    warm = group[WARM] + (group[COLOURS] * (((w3 >> 16) & 255) - 128) >> 7)
    green = group[GREEN] + (group[COLOURS] * ((w3 >> 24) - 128) >> 8)
    leaf[RED], leaf[MID], leaf[BLUE] = (
        256 + warm - (green >> 1),
        256 + (green >> 1),
        256 - warm - (green >> 1),
    )
    leaf[TEXTURE], leaf[SHIFT_X], leaf[SHIFT_Y] = group[GRAIN], (w0 >> 5) & 1023, (w1 >> 7) & 1023
    leaf[ZOOM_X], leaf[ZOOM_Y], leaf[SHADED] = group[COARSE] == 1, group[COARSE] == 2, group[BEHIND]
    leaf[SLOPE_X], leaf[SLOPE_Y] = (group[LIGHT_X] << 12) // leaf[A], (group[LIGHT_Y] << 12) // leaf[B]


@kernel
def scatter(leaves: I64, g: I64, w: I64) -> None:
    """Fill the table of leaves, front to back: four words each; a symmetric thing repeats every other one."""
    count = 0
    for k in range(GROUPS):
        for i in range(g[k, COUNT]):
            leaf, at = leaves[count], HEADER + 4 * count
            if g[k, MIRROR] and i & 1:
                for column in range(LEAF_COLUMNS):
                    leaf[column] = leaves[count - 1, column]
                leaf[CX], leaf[SHEAR] = 2 * g[k, X] - leaf[CX], -leaf[SHEAR]
            else:
                shape(leaf, g[k], w[at], w[at + 1], w[at + 2])
                colour(leaf, g[k], w[at], w[at + 1], w[at + 3])
            count += 1


@kernel
def weave(field: I64, coarse: I64, words: I64, rough: int) -> None:
    """Fill `field` (p, p), p a power of two, with periodic noise; `rough` / 256 is an octave's share of the last.

    Each octave doubles the one before (bilinear, weights 3 : 1) and adds a signed byte of `words`, lowest byte
    first, to every value. `coarse` is scratch.
    """
    field[:2, :2] = 0
    n, byte, height = 2, 0, 256
    while n < field.shape[0]:
        for y in range(n):
            for x in range(n):
                coarse[y, x] = field[y, x]
        for y in range(2 * n):
            y0, y1 = y >> 1, ((y >> 1) + 2 * (y & 1) - 1) & (n - 1)
            for x in range(2 * n):
                x0, x1 = x >> 1, ((x >> 1) + 2 * (x & 1) - 1) & (n - 1)
                near = coarse[slot(y0), slot(x1)] + coarse[slot(y1), slot(x0)]
                near = (9 * coarse[slot(y0), slot(x0)] + 3 * near + coarse[slot(y1), slot(x1)]) >> 4
                fresh = (words[slot(byte >> 2)] >> (8 * (byte & 3))) & 255
                field[slot(y), slot(x)] = near + ((2 * fresh - 255) * height >> 8)
                byte += 1
        n, height = 2 * n, height * rough >> 8


@kernel
def shadow(light: I64, g: I64, w: I64) -> None:
    """Fill `light` (size, size), in 1/4096, with the soft shadows that things cast on what is behind them."""
    light[:] = 4096
    for k in range(3):
        body = g[THINGS + 3 * k + 2]
        if body[COUNT]:
            depth = between(w[THINGS_AT + WORDS_PER_THING * k + 15], 0, 3400)
            x0 = body[X] - (body[LIGHT_X] * body[WIDTH] >> 12)
            y0 = body[Y] + body[HEIGHT] * 3 // 4
            per_x, per_y = (1 << 18) // (body[WIDTH] * 5 // 4 + ONE), (1 << 18) // (body[HEIGHT] // 2 + ONE)
            for py in range(light.shape[0]):
                dy = (ONE * py + ONE // 2 - y0) * per_y >> 12
                for px in range(light.shape[0]):
                    dx = (ONE * px + ONE // 2 - x0) * per_x >> 12
                    dark = depth * max(0, 4096 - dx * dx - dy * dy) >> 12
                    light[py, px] = max(800, light[py, px] - dark)


@kernel
def trace_ellipse(low: I64, high: I64, leaf: I64, fine: int) -> tuple[int, int]:
    """The first x and the last x of a sheared ellipse on each row of samples; its first row and its last."""
    cx, cy, a, b, shear = leaf[CX], leaf[CY], leaf[A], leaf[B], leaf[SHEAR]
    top, bottom = max(0, (cy - b + 7) >> 4), min(fine - 1, (cy + b - 8) >> 4)
    per_b = (256 << 16) // b
    for row in range(top, bottom + 1):
        dy = 16 * row + 8 - cy
        half = a * CHORD[slot(abs(dy) * per_b >> 16)] >> 12
        middle = cx + (shear * dy >> 8)
        low[slot(row)], high[slot(row)] = middle - half, middle + half
    return top, bottom


@kernel
def trace_polygon(low: I64, high: I64, leaf: I64, fine: int, xs: I64, ys: I64) -> tuple[int, int]:
    """The same for a convex polygon, whose corners lie on the leaf's ellipse. `xs`, `ys` are scratch."""
    n, highest, lowest = leaf[CORNERS], leaf[CY] + leaf[B], leaf[CY] - leaf[B]
    for c in range(n):
        at = (leaf[ANGLE] + 64 * c // n + ((leaf[ANGLE] >> (6 + 3 * c)) & 7)) & 63
        rise = leaf[B] * SINE[at] >> 12
        ys[c] = leaf[CY] + rise
        xs[c] = leaf[CX] + (leaf[A] * SINE[(at + 16) & 63] >> 12) + (leaf[SHEAR] * rise >> 8)
        highest, lowest = min(highest, ys[c]), max(lowest, ys[c])
    top, bottom = max(0, (highest + 7) >> 4), min(fine - 1, (lowest - 8) >> 4)
    for row in range(top, bottom + 1):
        low[slot(row)], high[slot(row)] = -(1 << 40), 1 << 40
    for c in range(n):
        after = c + 1 if c + 1 < n else 0
        x, y, rise = xs[c], ys[c], ys[after] - ys[c]
        slope = ((xs[after] - x) << 12) // rise if rise else 0
        if rise > 0:  # corners run clockwise on the screen, so an edge that goes down bounds the right
            for row in range(top, bottom + 1):
                high[slot(row)] = min(high[slot(row)], x + (slope * (16 * row + 8 - y) >> 12))
        elif rise < 0:
            for row in range(top, bottom + 1):
                low[slot(row)] = max(low[slot(row)], x + (slope * (16 * row + 8 - y) >> 12))
    return top, bottom


@kernel
def trace(low: I64, high: I64, leaf: I64, xs: I64, ys: I64) -> tuple[int, int]:
    """Samples low <= i < high of each sample row lie in the leaf; the first and the last pixel row it may touch."""
    fine = low.size
    if leaf[CORNERS]:
        top, bottom = trace_polygon(low, high, leaf, fine, xs, ys)
    else:
        top, bottom = trace_ellipse(low, high, leaf, fine)
    if top > bottom:
        return 0, -1
    for row in range(top, bottom + 1):
        low[slot(row)] = max(0, (low[slot(row)] + 7) >> 4)
        high[slot(row)] = min(fine, ((high[slot(row)] - 8) >> 4) + 1)
    for row in range(top & ~3, top):
        low[slot(row)], high[slot(row)] = fine, 0
    for row in range(bottom + 1, (bottom | 3) + 1):
        low[slot(row)], high[slot(row)] = fine, 0
    return top >> 2, bottom >> 2


@inlined
def run(start: int, stop: int) -> np.uint64:
    """64 bits, of which those from `start` to before `stop` are set."""
    if stop <= max(start, 0) or start >= 64:
        return np.uint64(0)
    return (ALL << np.uint64(max(start, 0))) & (ALL >> np.uint64(64 - min(stop, 64)))


@inlined
def claim(cover: U64, low: I64, high: I64, row: int, chunk: int) -> np.uint64:
    """Cover the samples of a row that a traced leaf holds, among 64; those that were still bare, a bit each."""
    held = run(low[slot(row)] - 64 * chunk, high[slot(row)] - 64 * chunk)
    bare: np.uint64 = held & ~cover[slot(row), slot(chunk)]
    cover[slot(row), slot(chunk)] |= held
    return bare


@kernel
def reveal(seen: I64, cover: U64, low: I64, high: I64, top: int, bottom: int) -> int:
    """List (x, y, 4 x 4 samples as bits) for the pixels in which a traced leaf is seen; how many they are."""
    n, four = 0, np.uint64(15)
    for y in range(top, bottom + 1):
        row = 4 * y
        first, last = low.size, 0
        for j in range(4):
            first, last = min(first, low[slot(row + j)]), max(last, high[slot(row + j)])
        for chunk in range(first >> 6, (last + 63) >> 6):
            a = claim(cover, low, high, row, chunk)
            b = claim(cover, low, high, row + 1, chunk)
            c = claim(cover, low, high, row + 2, chunk)
            d = claim(cover, low, high, row + 3, chunk)
            if a | b | c | d == np.uint64(0):
                continue
            for x in range(max(first >> 2, 16 * chunk), min((last + 3) >> 2, 16 * chunk + 16)):
                at = np.uint64(4 * (x & 15))
                ab = (a >> at) & four | ((b >> at) & four) << np.uint64(4)
                cd = (c >> at) & four | ((d >> at) & four) << np.uint64(4)
                bits = np.int64(ab | cd << np.uint64(8))
                seen[slot(n), slot(0)], seen[slot(n), slot(1)], seen[slot(n), slot(2)] = x, y, bits
                n += bits != 0
    return n


@inlined
def ones(bits: int) -> int:
    """How many of 16 bits are set."""
    bits = bits - ((bits >> 1) & 0x5555)
    bits = (bits & 0x3333) + ((bits >> 2) & 0x3333)
    bits = (bits + (bits >> 4)) & 0x0F0F
    return (bits + (bits >> 8)) & 31


@kernel
def tint(total: I64, seen: I64, n: int, leaf: I64, field: I64, light: I64) -> int:
    """Add a leaf's colour, times the samples, to the `n` pixels in which it is seen; how many samples that is."""
    side, wrap, samples = ONE * light.shape[0], field.shape[0] - 1, 0
    x0, y0 = max(0, min(side, leaf[CX])) - ONE // 2, max(0, min(side, leaf[CY])) - ONE // 2
    slope_x, slope_y, texture, level = leaf[SLOPE_X], leaf[SLOPE_Y], leaf[TEXTURE], leaf[LEVEL]
    shift_x, shift_y, zoom_x, zoom_y = leaf[SHIFT_X], leaf[SHIFT_Y], leaf[ZOOM_X], leaf[ZOOM_Y]
    red, mid, blue, shaded = leaf[RED], leaf[MID], leaf[BLUE], leaf[SHADED]
    for i in range(n):
        x, y = seen[slot(i), slot(0)], seen[slot(i), slot(1)]
        share = ones(seen[slot(i), slot(2)])
        samples += share
        woven = field[slot(((y >> zoom_y) + shift_y) & wrap), slot(((x >> zoom_x) + shift_x) & wrap)]
        slope = (slope_x * (ONE * x - x0) + slope_y * (ONE * y - y0)) >> 12
        factor = max(500, 4096 + slope + (texture * woven >> 8))
        factor = factor * (light[slot(y), slot(x)] if shaded else 4096) >> 12
        lum = level * factor >> 12
        lum = share * min(lum, (lum + SHOULDER) >> 1)
        total[slot(y), slot(x), slot(0)] += lum * red >> 8
        total[slot(y), slot(x), slot(1)] += lum * mid >> 8
        total[slot(y), slot(x), slot(2)] += lum * blue >> 8
    return samples


@kernel
def paint(total: I64, leaves: I64, count: int, field: I64, light: I64) -> None:
    """Paint the leaves front to back, each of a pixel's 16 samples once; `total` is 256 x the grey level."""
    size = total.shape[0]
    low, high = np.empty(4 * size, np.int64), np.empty(4 * size, np.int64)
    xs, ys, seen = np.empty(5, np.int64), np.empty(5, np.int64), np.empty((size * size + 1, 3), np.int64)
    cover = np.zeros((4 * size, (4 * size + 63) // 64), np.uint64)
    total[:] = 0
    bare = 16 * size * size
    for k in range(count):
        top, bottom = trace(low, high, leaves[k], xs, ys)
        n = reveal(seen, cover, low, high, top, bottom)
        bare -= tint(total, seen, n, leaves[k], field, light)
        if bare == 0:
            break


@kernel
def develop(out: Pixels, total: I64, soft: int) -> None:
    """Blur with the weights (soft, 16 - 2 soft, soft) / 16 both ways, round to nearest, clip to bytes."""
    size, sharp = total.shape[0], 16 - 2 * soft
    rows, sheet = total.reshape((size, 3 * size)), out.reshape((size, 3 * size))
    blurred = np.empty(3 * size + 6, np.int64)  # a pixel more at either end
    for y in range(size):
        above, here, below = rows[max(0, y - 1)], rows[y], rows[min(size - 1, y + 1)]
        for i in range(3 * size):
            blurred[i + 3] = soft * (above[i] + below[i]) + sharp * here[i]
        for c in range(3):
            blurred[c], blurred[3 * size + 3 + c] = blurred[3 + c], blurred[3 * size + c]
        for i in range(3 * size):
            value = soft * (blurred[i] + blurred[i + 6]) + sharp * blurred[i + 3]
            sheet[y, i] = max(0, min(255, (value + (1 << 15)) >> 16))


@kernel
def draw(words: I64, key: np.uint64, index: np.uint64, block: int, count: int) -> None:
    """The first `count` words, a multiple of 4, of a picture's stream from `block` on."""
    for k in range(count // 4):
        a, b, c, d = philox(key, np.uint32(block + k), np.uint32(0), index)
        words[4 * k], words[4 * k + 1], words[4 * k + 2], words[4 * k + 3] = a, b, c, d


@kernel
def pictures(out: Pixels, key: np.uint64, indices: Indices) -> None:
    """Draw the pictures with these indices into `out` (n, size, size, 3)."""
    size, period = out.shape[1], 8
    while period < size:
        period *= 2
    field, coarse = np.empty((period, period), np.int64), np.empty((period, period), np.int64)
    threads = np.empty((period * period - 4) // 3, np.int64)
    total, light = np.empty((size, size, 3), np.int64), np.empty((size, size), np.int64)
    g, leaves = np.empty((GROUPS, GROUP_COLUMNS), np.int64), np.empty((0, LEAF_COLUMNS), np.int64)
    w = np.empty(HEADER, np.int64)
    for i in range(indices.size):
        index = np.uint64(indices[i])
        draw(w, key, index, 0, HEADER)
        count = compose(g, w, size)
        if count > len(leaves):
            w, leaves = np.empty(HEADER + 8 * count, np.int64), np.empty((2 * count, LEAF_COLUMNS), np.int64)
        draw(w, key, index, 0, HEADER + 4 * count)
        scatter(leaves, g, w)
        draw(threads, key, index, WEAVE_AT, threads.size)
        weave(field, coarse, threads, between(w[12], 150, 256))
        shadow(light, g, w)
        paint(total, leaves, count, field, light)
        develop(out[i], total, ((w[13] >> 30) + 1) >> 1)


class DeadLeaves:
    """Endless procedural images; a `Source`."""

    name = "dead_leaves"
    notes: tuple[str, ...] = ()

    def __init__(self, size: int, key: Callable[[str], int]) -> None:
        self._size = size
        self._key = key
        self._digest = ""

    def rows(self, split: str) -> int | None:
        return None

    def take(self, split: str, indices: Indices) -> Pixels:
        out = np.empty((len(indices), self._size, self._size, 3), np.uint8)
        pictures(out, np.uint64(self._key(split)), np.ascontiguousarray(indices, np.int64))
        return out

    def digest(self) -> str:
        if not self._digest:
            total = blake2b(f"dead_leaves {VERSION}".encode(), digest_size=16)
            for split in SPLITS:
                total.update(self.take(split, np.arange(64)).tobytes())
            self._digest = total.hexdigest()
        return self._digest


def open(
    size: int, key: Callable[[str], int], directory: Path | None, hub: str | None, revision: str | None
) -> DeadLeaves:
    """The procedural source; it reads no folder and no Hub. Raises `UserError` for a size outside 8..1024."""
    if not 8 <= size <= 1024:
        raise UserError(f"dead leaves are drawn with sides of 8 to 1024 pixels; got {size}.")
    return DeadLeaves(size, key)
