"""PNG files whose deflate blocks are stored as they are: written and read at the speed of memory.

Any reader of PNG decodes them. What makes them worth their few lines here: encoding costs a copy and two
checksums; all images of one shape take equally many bytes, so a column of them is an array whose pixels
are a strided view; their bytes depend on no version of zlib; and Parquet's zstd, which sees many
images at once, compresses them better than a deflate per image would.

Scanlines stand in one stored block where they fit its 65,535 bytes, else in one block each, so that
the distance from one scanline to the next is always the same.
"""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

PALETTE = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0), (255, 255, 255)], dtype=np.uint8)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BLOCK = 65535  # the most bytes that a stored deflate block holds
_RGB, _PALETTE, _MASK = (8, 2), (2, 3), (1, 0)  # bits a sample, colour type


class Layout(NamedTuple):
    """Where things stand in every file of one shape and kind."""

    height: int
    width: int
    depth: int  # bits a sample: 8 for RGB, 2 for the palette, 1 for a mask
    colour: int  # PNG's colour type
    start: int  # of the first scanline's pixels
    pitch: int  # from one scanline to the next
    line: int  # bytes of a scanline's pixels
    adler: int  # where the checksum of the scanlines stands; that of the chunk follows it
    data: int  # where the chunk of the scanlines begins, its type included
    template: bytes  # a file with all pixels and both checksums 0

    @property
    def size(self) -> int:
        """Bytes of a file."""
        return len(self.template)


class Packed(NamedTuple):
    """Scanlines as they stand in files, less what stands between them."""

    lines: U8  # (n, height, bytes): RGB a byte a channel, the palette 2 bits a pixel, masks 1
    where: Layout


def encode(pixels: U8) -> U8:
    """Files (n, bytes) of images (n, height, width, 3) or of masks (n, height, width) of 0 and 1.

    Images of nothing but black, red, green and white take 2 bits a pixel.
    """
    packed = pack(pixels)
    return wrap(packed, room(len(pixels), packed.where))


def pack(pixels: U8) -> Packed:
    """The scanlines of images (n, height, width, 3) or masks (n, height, width); `ValueError` for masks beyond 0, 1.

    Those of RGB images are the images' own memory.
    """
    if pixels.ndim == 3:
        return _packed_masks(pixels)
    n, height, width, _ = pixels.shape
    codes = _codes(pixels)
    if codes is None:
        return Packed(pixels.reshape(n, height, width * 3), layout(height, width, *_RGB))
    return Packed(codes, layout(height, width, *_PALETTE))


def room(n: int, where: Layout) -> U8:
    """Memory for n files of one layout."""
    return np.empty((n, where.size), dtype=np.uint8)


def wrap(pixels: Packed, files: U8) -> U8:
    """Write the files around packed scanlines to `files` (n, bytes), made by `room`; returns them."""
    where, template = pixels.where, np.frombuffer(pixels.where.template, dtype=np.uint8)
    ends = (where.start, where.data, where.adler)
    lines = np.ascontiguousarray(pixels.lines)
    _compiled(_wrap)(lines, files, template, where.pitch, ends, _crc_tables())
    return files


def decode(files: U8) -> U8:
    """The pixels of files (n, bytes) written here: images (n, height, width, 3) or masks (n, height, width).

    RGB images are a strided view of `files`; the others are unpacked. Raises `ValueError` where the
    files were not written here.
    """
    where, lines = _layout_of(files), packed(files)
    n, height, width = len(files), where.height, where.width
    if where.depth == 8:
        shape, strides = (n, height, width, 3), (*lines.strides[:2], 3, 1)
        return np.lib.stride_tricks.as_strided(lines, shape, strides, writeable=False)
    if where.depth == 1:
        return np.unpackbits(lines.reshape(-1)).reshape(n, height, where.line * 8)[:, :, :width]
    quads = np.take(_quads(), lines).view(np.uint8)  # four pixels for a byte
    return quads.reshape(n, height, where.line * 4, 3)[:, :, :width]


def packed(files: U8) -> U8:
    """The scanlines (n, height, bytes) of files (n, bytes) as they are packed, a view."""
    where = _layout_of(files)
    shape = (len(files), where.height, where.line)
    strides = (files.strides[0], where.pitch, 1)
    pixels = files[:, where.start :]
    return np.lib.stride_tricks.as_strided(pixels, shape, strides, writeable=files.flags.writeable)


@cache
def layout(height: int, width: int, depth: int, colour: int) -> Layout:
    """Where things stand in a file of this shape and kind."""
    line = (width * depth * (3 if colour == 2 else 1) + 7) // 8
    if line + 1 > _BLOCK:
        raise ValueError(f"a scanline of {line} bytes does not fit a stored block of {_BLOCK} bytes")
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    colours = _chunk(b"PLTE", PALETTE.tobytes()) if colour == 3 else b""
    whole = height * (line + 1) <= _BLOCK
    blocks, size = (1, height * (line + 1)) if whole else (height, line + 1)
    head = struct.pack("<HH", size, size ^ 0xFFFF)
    content = b"\0" + head + bytes(size)  # not the last block
    last = b"\1" + head + bytes(size)
    body = b"\x78\x01" + content * (blocks - 1) + last + bytes(4)
    data = len(_SIGNATURE + header + colours) + 4
    template = _SIGNATURE + header + colours + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")
    start = data + 4 + 2 + 5 + 1
    pitch = line + 1 if whole else line + 6
    return Layout(height, width, depth, colour, start, pitch, line, data + len(body), data, template)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _layout_of(files: U8) -> Layout:
    """The layout that the first file's header tells; raises `ValueError` where it is not one of these."""
    first = files[0].tobytes()
    if first[:8] == _SIGNATURE and len(first) > 26:
        width, height, depth, colour = struct.unpack(">IIBB", first[16:26])
        if (depth, colour) in (_RGB, _PALETTE, _MASK) and height * width * depth <= 8 * len(first):
            where = layout(height, width, depth, colour)
            if len(first) == len(where.template) and first[: where.start] == where.template[: where.start]:
                return where
    raise ValueError("these images are not PNG files with stored blocks")


def _packed_masks(masks: U8) -> Packed:
    if masks.size and masks.max() > 1:
        raise ValueError(f"a mask has the values 0 and 1 only; got {masks.max()}")
    n, height, width = masks.shape
    where = layout(height, width, *_MASK)
    whole = np.pad(masks, ((0, 0), (0, 0), (0, -width % 8))) if width % 8 else masks
    return Packed(np.packbits(whole.reshape(-1)).reshape(n, height, where.line), where)


def _codes(images: U8) -> U8 | None:
    """The 2-bit codes (n, height, bytes) of images (n, height, width, 3); None beyond the four colours."""
    if images.shape[2] % 4:
        images = np.pad(images, ((0, 0), (0, 0), (0, -images.shape[2] % 4), (0, 0)))
    n, height, width, _ = images.shape
    codes = np.empty((n, height, width // 4), dtype=np.uint8)
    words = np.ascontiguousarray(images).reshape(-1).view(np.uint32)
    return None if _compiled(_pack)(words, codes.reshape(-1)) else codes


@cache
def _compiled(function: Callable[..., Any]) -> Any:
    """The kernel as machine code; numba is loaded only where something is written."""
    import numba

    return numba.njit(nogil=True, cache=True)(function)


@cache
def _crc_tables() -> NDArray[np.uint32]:
    """Tables (16 * 256,) for the CRC-32 of PNG taken 16 bytes at a time (slicing)."""
    tables = np.zeros((16, 256), dtype=np.uint32)
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
        tables[0, byte] = crc
    for k in range(1, 16):
        tables[k] = tables[k - 1] >> 8 ^ tables[0, tables[k - 1] & 0xFF]
    return tables.reshape(-1)


@cache
def _quads() -> NDArray[np.void]:
    """For each byte of a palette scanline its four pixels, 12 bytes."""
    codes = np.arange(256)[:, None] >> np.array([6, 4, 2, 0]) & 3
    pixels: NDArray[np.void] = PALETTE[codes].reshape(256, 12).view("V12")
    return pixels[:, 0]


def _pack(words: NDArray[np.uint32], codes: U8) -> np.uint32:
    """Kernel: the code byte of every four pixels, whose 12 bytes are three little-endian words.

    A code's low bit is red, its high bit green, both are white. Returns 0 where all channels are 0 or 255
    and blue is where red and green are. Words and no branches, so that it is vectorised.
    """
    ones, full, bit = np.uint32(0x01010101), np.uint32(255), np.uint32(1)
    s8, s16, s24 = np.uint32(8), np.uint32(16), np.uint32(24)
    wrong = np.uint32(0)
    for i in range(len(codes)):
        a, b, c = words[3 * i], words[3 * i + 1], words[3 * i + 2]  # RGBR GBRG BRGB, the first byte lowest
        wrong |= (a ^ (a & ones) * full) | (b ^ (b & ones) * full) | (c ^ (c & ones) * full)
        wrong |= (a >> s16 ^ (a & a >> s8)) & bit
        wrong |= (b >> s8 ^ (a >> s24 & b)) & bit
        wrong |= (c ^ (b >> s16 & b >> s24)) & bit
        wrong |= (c >> s24 ^ (c >> s8 & c >> s16)) & bit
        first = (a >> s8 & np.uint32(0x80)) | (a & np.uint32(0x40))
        second = (b & np.uint32(0x20)) | (a >> s24 & np.uint32(0x10))
        third = (b >> s24 & np.uint32(0x08)) | (b >> s16 & np.uint32(0x04))
        fourth = (c >> s16 & np.uint32(0x02)) | (c >> s8 & np.uint32(0x01))
        codes[i] = np.uint8(first | second | third | fourth)
    return wrong


def _wrap(
    lines: U8,
    files: U8,
    template: U8,
    pitch: int,
    ends: tuple[int, int, int],
    tables: NDArray[np.uint32],
) -> None:
    """Kernel: copy template and scanlines, then write the Adler-32 of these (RFC 1950) and the CRC-32 of the chunk
    (PNG, annex D).

    Two files at a time, the last one twice where it is alone: a step of a CRC waits for the one before it.
    Unsigned indices throughout: signed ones are checked for wrapping around, which costs more than the sums.
    """
    index, (start, data, adler) = np.uintp, ends
    n, height, line = lines.shape
    # What is stored: all scanlines, or one in each block, a filter's byte before its pixels.
    blocks, size = (1, height * pitch) if pitch == line + 1 else (height, line + 1)
    flat, length = files.reshape(-1), index(template.size)
    begins, crcs = np.empty(2, np.uintp), np.empty(2, np.uint32)
    for i in range(0, n, 2):
        for lane in range(2):
            number = min(i + lane, n - 1)
            file = files[number]
            for k in range(template.size):
                file[index(k)] = template[index(k)]
            for row in range(height):
                for k in range(line):
                    file[index(start + row * pitch + k)] = lines[number, row, index(k)]
            low, high = np.uint64(1), np.uint64(0)  # below 2^64 for files of less than 300 MB
            for block in range(blocks):
                at, total, ramp = index(start - 1 + block * pitch), np.uint64(0), np.uint64(0)
                for k in range(size):
                    value = np.uint64(file[at + index(k)])
                    total += value
                    ramp += value * np.uint64(size - k)
                high += low * np.uint64(size) + ramp
                low += total
            checksum = high % np.uint64(65521) << np.uint64(16) | low % np.uint64(65521)
            for k in range(4):
                file[index(adler + k)] = np.uint8(checksum >> np.uint64(24 - 8 * k))
            begins[lane], crcs[lane] = index(number) * length + index(data), np.uint32(0xFFFFFFFF)
        rest = index(adler + 4 - data)
        for step in range(rest // index(16)):
            for lane in range(2):
                at, crc, folded = begins[lane] + index(16 * step), crcs[lane], np.uint32(0)
                for k in range(4):
                    byte = np.uint32(flat[at + index(k)]) ^ (crc >> np.uint32(8 * k) & np.uint32(0xFF))
                    folded ^= tables[index(byte) + index(256 * (15 - k))]
                for k in range(4, 16):
                    folded ^= tables[index(flat[at + index(k)]) + index(256 * (15 - k))]
                crcs[lane] = folded
        for lane in range(2):
            end, crc = begins[lane] + rest, crcs[lane]
            for k in range(rest % index(16)):
                byte = flat[end - rest % index(16) + index(k)]
                crc = crc >> np.uint32(8) ^ tables[index((crc ^ np.uint32(byte)) & np.uint32(0xFF))]
            for k in range(4):
                flat[end + index(k)] = np.uint8(~crc >> np.uint32(24 - 8 * k))
