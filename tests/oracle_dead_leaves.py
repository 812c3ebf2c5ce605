"""The dead-leaves picture in plain Python, one sample at a time: slow, written for reading and compared with."""

from dataclasses import dataclass, field, replace
from math import isqrt

import oracle

QUARTER = [0, 401, 799, 1189, 1567, 1931, 2276, 2598, 2896, 3166, 3406, 3612, 3784, 3920, 4017, 4076, 4096]
UPPER = QUARTER + QUARTER[-2:0:-1]
SINE = UPPER + [-value for value in UPPER]
Words = list[int]


@dataclass
class Group:
    """Leaves of one kind. Lengths in 1/64 pixel, luminance in 1/16 grey level."""

    count: int = 1
    centre: tuple[int, int] = (0, 0)
    spread: tuple[int, int] = (0, 0)
    radii: tuple[int, int] = (64, 64)
    fixed: tuple[int, int] | None = None
    tall: int = 256
    round: int = 110
    rigid: bool = False
    mirror: bool = False
    lum: int = 0
    warm: int = 0
    green: int = 0
    contrast: int = 0
    colours: int = 0
    grain: int = 0
    coarse: int = 0
    light: tuple[int, int] = (0, 0)
    behind: bool = True


@dataclass
class Leaf:
    x: int
    y: int
    a: int
    b: int
    shear: int
    angle: int
    corners: int
    level: int
    rgb: tuple[int, int, int]
    grain: int
    shift: tuple[int, int]
    zoom: tuple[int, int]
    slope: tuple[int, int]
    behind: bool
    polygon: list[tuple[int, int]] = field(default_factory=list)


def between(word: int, low: int, high: int) -> int:
    return low + (word * (high - low) >> 32)


def bell(word: int) -> int:
    return (word & 65535) - (word >> 16)


def peaked(word: int) -> int:
    return ((word & 65535) - 32768) * ((word >> 16) - 32768) >> 22


class Scene:
    """What a picture shares, and its groups from front to back."""

    def __init__(self, w: Words, size: int) -> None:
        self.size, self.side, self.w = size, 64 * size, w
        kind = w[0] >> 28
        self.outdoors, self.thicket = kind < 9, kind >= 13
        low, high = (self.side // 5, self.side) if self.outdoors else (self.side // 2, 2 * self.side)
        self.horizon = between(w[1], low, high)
        self.warm, self.green = 8 + (bell(w[2]) * 24 >> 16), bell(w[3]) * 7 >> 16
        self.vivid = 44 + ((w[4] & 65535) * (w[4] >> 16) >> 24)
        self.texture = 290 + (between(w[5], 0, 256) * between(w[6], 0, 256) >> 6)
        self.busy = between(w[7], 30, 256)
        self.sun = bell(w[8]) >> 4, -abs(bell(w[9])) >> 4
        self.things = [self.thing(w[64 + 20 * k : 84 + 20 * k], k == 0) for k in range(self.how_many())]
        front, clutter, skyline, ground = self.earth()
        self.groups = [front, *(group for thing in self.things for group in thing), clutter, skyline, ground]
        self.groups += self.heaven()

    def how_many(self) -> int:
        return 1 + between(self.w[10], 0, 2) * between(self.w[11], 0, 3)

    def swarm(self, word: int, low: int, high: int) -> int:
        return between(word, low, high) * self.busy * self.size**2 >> 18

    def lit(self, strength: int) -> tuple[int, int]:
        return strength * self.sun[0] >> 12, strength * self.sun[1] >> 12

    def earth(self) -> list[Group]:
        w, side, half, tall = self.w, self.side, self.side // 2, between(self.w[17], 110, 480)
        base = Group(
            lum=between(w[16], 450, 2600),
            warm=self.warm + (between(w[18], -10, 110) * self.vivid >> 8),
            green=self.green + (between(w[19], -40, 150) * self.vivid >> 8),
            contrast=280, colours=12 + (self.vivid >> 3), grain=self.texture, tall=max(256, tall), light=self.lit(500),
        )  # fmt: skip
        front = replace(
            base, count=self.swarm(w[20], 0, 26), centre=(half, side + side // 8), spread=(half, side // 3),
            radii=(54, side // 7), behind=False,
        )  # fmt: skip
        middle, reach = (self.horizon + side) // 2, max(side // 8, (side - self.horizon) // 2)
        clutter = replace(
            base, count=self.swarm(w[21], 60, 190) if self.thicket else self.swarm(w[21], 0, 130),
            centre=(half, half if self.thicket else middle), spread=(half, half if self.thicket else reach),
            radii=(60, side // 3), contrast=between(w[22], 100, 440), tall=tall,
        )  # fmt: skip
        skyline = replace(
            base, count=between(w[23], 0, 12) if self.outdoors else 0, centre=(half, self.horizon),
            spread=(half, side // 20), radii=(side // 22, side // 3), lum=base.lum * 3 // 4,
            warm=(base.warm + self.warm) >> 1, contrast=300, rigid=bool(w[24] & 1),
        )  # fmt: skip
        ground = replace(
            base, count=1, centre=(half, self.horizon + 8 * side), fixed=(32 * side, 8 * side), round=256,
            grain=self.texture * 3 // 2, light=(bell(w[25]) >> 3, bell(w[26]) >> 2),
        )  # fmt: skip
        return [front, clutter, skyline, ground]

    def heaven(self) -> list[Group]:
        w, side, half = self.w, self.side, self.side // 2
        warm, green = -(between(w[33], 0, 150) * self.vivid >> 8), 0
        if not self.outdoors:
            warm, green = peaked(w[33]) * self.vivid >> 8, peaked(w[34]) * self.vivid >> 9
        low, high = (1600, 3900) if self.outdoors else (150, 3950)
        far = Group(
            count=between(w[38], 0, 16), centre=(half, self.horizon // 2), spread=(half, self.horizon // 2),
            radii=(side // 9, half), lum=between(w[32], low, high), warm=self.warm + warm, green=self.green + green,
            contrast=between(w[35], 60, 400), colours=12 + (self.vivid >> 3), tall=between(w[37], 128, 400),
            grain=self.texture * between(w[36], 40, 300) >> 8, light=self.lit(500), rigid=bool(w[39] & 1),
        )  # fmt: skip
        sky = replace(
            far, count=1, centre=(half, half), spread=(0, 0), radii=(64, 64), fixed=(8 * side, 8 * side), round=256,
            light=(bell(w[40]) >> 3, bell(w[41]) >> 2), rigid=False,
        )  # fmt: skip
        return [far, sky]

    def thing(self, v: Words, first: bool) -> list[Group]:
        side, off, half = self.side, 18 if first else 16, 0 if first else 1
        centre = side // 2 + (bell(v[0]) * side >> off), side // 2 + side // 16 + (bell(v[1]) * side >> off)
        wide = between(v[2], side // 7, side * 4 // 9) >> half
        high = between(v[3], side // 8, side * 4 // 9) >> half
        small = min(wide, high)
        body = Group(
            centre=centre, fixed=(wide, high), radii=(small, small), round=120, lum=between(v[4], 200, 3900),
            warm=self.warm + 8 + (peaked(v[5]) * (self.vivid + 16) >> 8),
            green=self.green + (peaked(v[6]) * (self.vivid + 16) >> 9),
            grain=self.texture * between(v[7], 60, 400) >> 8, coarse=v[12] >> 30, rigid=v[13] >> 30 == 0,
            mirror=v[14] >> 29 < 3, light=self.lit(1800), behind=False,
        )  # fmt: skip
        marks = replace(
            body, count=self.swarm(v[8], 8, 72), spread=(wide * 7 // 8, high * 7 // 8), radii=(52, small * 5 // 8),
            fixed=None, contrast=between(v[10], 140, 640), colours=10 + (self.vivid >> 3),
        )  # fmt: skip
        limbs = replace(
            body, count=between(v[9], 2, 10), spread=(wide, high), radii=(small >> 2, small), fixed=None,
            contrast=between(v[11], 60, 420), colours=8 + (self.vivid >> 4),
        )  # fmt: skip
        return [marks, limbs, body]


def leaf_of(group: Group, w0: int, w1: int, w2: int, w3: int) -> Leaf:
    x = group.centre[0] + (((w0 & 65535) * 2 - 65535) * group.spread[0] >> 16)
    y = group.centre[1] + (((w0 >> 16) * 2 - 65535) * group.spread[1] >> 16)
    radius = min(group.radii[1], (group.radii[0] << 16) // (max(w1 & 65535, w1 >> 16) + 1))
    aspect = (150 + (w2 & 255)) * group.tall >> 8
    a, b = max(24, (radius << 8) // aspect), max(24, radius * aspect >> 8)
    shear, which = ((w2 >> 8) & 255) - 128, (w2 >> 16) & 255
    corners, angle = 0, (w2 >> 24) | (w1 & 0xFFF0) << 4
    if which >= group.round and radius >= 64:
        corners = 3 + (which & 1) + ((which & 6) == 6)
    if group.rigid:
        shear, angle, corners = 0, 8, 4 if corners else 0
    if group.fixed:
        (a, b), shear = group.fixed, shear >> 1
    contrast = group.contrast * (((w3 & 255) - 128) * (((w3 >> 8) & 255) - 128) >> 6) >> 8
    level = max(48, min(4080, group.lum * (256 + contrast) >> 8))
    warm = group.warm + (group.colours * (((w3 >> 16) & 255) - 128) >> 7)
    green = group.green + (group.colours * ((w3 >> 24) - 128) >> 8)
    return Leaf(
        x, y, a, b, shear, angle, corners, level,
        (256 + warm - (green >> 1), 256 + (green >> 1), 256 - warm - (green >> 1)),
        group.grain, ((w0 >> 5) & 1023, (w1 >> 7) & 1023), (int(group.coarse == 1), int(group.coarse == 2)),
        ((group.light[0] << 12) // a, (group.light[1] << 12) // b), group.behind,
    )  # fmt: skip


def leaves_of(groups: list[Group], words: Words) -> list[Leaf]:
    leaves: list[Leaf] = []
    for group in groups:
        for i in range(group.count):
            at = 128 + 4 * len(leaves)
            if group.mirror and i % 2:
                twin = leaves[-1]
                leaves.append(replace(twin, x=2 * group.centre[0] - twin.x, shear=-twin.shear))
            else:
                leaves.append(leaf_of(group, *words[at : at + 4]))
    return [replace(leaf, polygon=corners_of(leaf)) for leaf in leaves]


def corners_of(leaf: Leaf) -> list[tuple[int, int]]:
    points = []
    for c in range(leaf.corners):
        at = (leaf.angle + 64 * c // leaf.corners + ((leaf.angle >> (6 + 3 * c)) & 7)) & 63
        rise = leaf.b * SINE[at] >> 12
        points.append(
            (leaf.x + (leaf.a * SINE[(at + 16) & 63] >> 12) + (leaf.shear * rise >> 8), leaf.y + rise)
        )
    return points


def holds(leaf: Leaf, x: int, y: int) -> bool:
    """Whether a sample lies in a leaf."""
    if not leaf.corners:
        dy = y - leaf.y
        if abs(dy) > leaf.b:
            return False
        t = abs(dy) * ((256 << 16) // leaf.b) >> 16
        half = leaf.a * isqrt((65536 - t * t) << 8) >> 12
        return abs(x - leaf.x - (leaf.shear * dy >> 8)) <= half
    ys = [point[1] for point in leaf.polygon]
    if not min(ys) <= y <= max(ys):
        return False
    for (x0, y0), (x1, y1) in zip(leaf.polygon, leaf.polygon[1:] + leaf.polygon[:1], strict=True):
        if y1 != y0:
            edge = x0 + (((x1 - x0) << 12) // (y1 - y0) * (y - y0) >> 12)
            if (y1 > y0 and x > edge) or (y1 < y0 and x < edge):
                return False
    return True


def woven(stream: Words, period: int, rough: int) -> list[list[int]]:
    """The periodic texture: octave upon octave of signed bytes."""
    values = [byte for word in stream for byte in word.to_bytes(4, "little")]
    coarse, height = [[0, 0], [0, 0]], 256
    while len(coarse) < period:
        n = len(coarse)
        fine = [[0] * (2 * n) for _ in range(2 * n)]
        for y in range(2 * n):
            for x in range(2 * n):
                y0, x0 = y // 2, x // 2
                y1, x1 = (y0 + (1 if y % 2 else -1)) % n, (x0 + (1 if x % 2 else -1)) % n
                near = 9 * coarse[y0][x0] + 3 * coarse[y0][x1] + 3 * coarse[y1][x0] + coarse[y1][x1]
                fine[y][x] = (near >> 4) + ((2 * values.pop(0) - 255) * height >> 8)
        coarse, height = fine, height * rough >> 8
    return coarse


def shadow_at(scene: Scene, px: int, py: int) -> int:
    light = 4096
    for k, (_, _, body) in enumerate(scene.things):
        assert body.fixed is not None
        wide, high = body.fixed
        depth = between(scene.w[64 + 20 * k + 15], 0, 3400)
        x0 = body.centre[0] - (body.light[0] * wide >> 12)
        y0 = body.centre[1] + high * 3 // 4
        dx = (64 * px + 32 - x0) * ((1 << 18) // (wide * 5 // 4 + 64)) >> 12
        dy = (64 * py + 32 - y0) * ((1 << 18) // (high // 2 + 64)) >> 12
        light = max(800, light - (depth * max(0, 4096 - dx * dx - dy * dy) >> 12))
    return light


def rgb_at(leaf: Leaf, scene: Scene, texture: list[list[int]], px: int, py: int, samples: int) -> list[int]:
    """What a leaf adds to a pixel in which `samples` of its 16 samples are seen."""
    wrap = len(texture) - 1
    weave = texture[((py >> leaf.zoom[1]) + leaf.shift[1]) & wrap][
        ((px >> leaf.zoom[0]) + leaf.shift[0]) & wrap
    ]
    dx = 64 * px + 32 - max(0, min(scene.side, leaf.x))
    dy = 64 * py + 32 - max(0, min(scene.side, leaf.y))
    factor = max(500, 4096 + ((leaf.slope[0] * dx + leaf.slope[1] * dy) >> 12) + (leaf.grain * weave >> 8))
    if leaf.behind:
        factor = factor * shadow_at(scene, px, py) >> 12
    lum = leaf.level * factor >> 12
    lum = samples * min(lum, (lum + 3400) >> 1)
    return [lum * share >> 8 for share in leaf.rgb]


def blurred(values: list[list[list[int]]], soft: int) -> list[list[list[int]]]:
    """The weights (soft, 16 - 2 soft, soft) both ways, edges repeated; then bytes."""
    size, weights = len(values), (soft, 16 - 2 * soft, soft)

    def near(i: int, step: int) -> int:
        return max(0, min(size - 1, i + step))

    def mean(y: int, x: int, c: int) -> int:
        pairs = [(i, j) for i in range(3) for j in range(3)]
        total = sum(weights[i] * weights[j] * values[near(y, i - 1)][near(x, j - 1)][c] for i, j in pairs)
        return max(0, min(255, (total + 32768) >> 16))

    return [[[mean(y, x, c) for c in range(3)] for x in range(size)] for y in range(size)]


def picture(key: int, index: int, size: int) -> list[list[list[int]]]:
    """Rows of pixels of (red, green, blue) bytes."""
    w = oracle.words(key, index, 128)
    scene = Scene(w, size)
    count = sum(group.count for group in scene.groups)
    leaves = leaves_of(scene.groups, oracle.words(key, index, 128 + 4 * count))
    period = max(8, 1 << (size - 1).bit_length())
    blocks = range(1 << 24, (1 << 24) + (period * period - 4) // 12)
    halves, low, high = (key & 0xFFFFFFFF, key >> 32), index & 0xFFFFFFFF, index >> 32
    stream = [word for block in blocks for word in oracle.philox(halves, (block, 0, low, high))]
    texture = woven(stream, period, between(w[12], 150, 256))
    rows = []
    for py in range(size):
        rows.append([[0, 0, 0] for _ in range(size)])
        for px in range(size):
            at = [(64 * px + 16 * i + 8, 64 * py + 16 * j + 8) for j in range(4) for i in range(4)]
            seen = [next(k for k, leaf in enumerate(leaves) if holds(leaf, x, y)) for x, y in at]
            for k in sorted(set(seen)):
                rgb = rgb_at(leaves[k], scene, texture, px, py, seen.count(k))
                rows[py][px] = [old + new for old, new in zip(rows[py][px], rgb, strict=True)]
    return blurred(rows, ((w[13] >> 30) + 1) >> 1)
