"""Images whose pixels are not what they seem: what is read, what is noted, what is refused."""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin
from small_images import encoded, png

from sixteenth.data import load_dataset
from sixteenth.data.checks import oddity_notices
from sixteenth.data.decode import decode_images
from sixteenth.data.oddities import Oddities, small_note

Y, X = np.mgrid[0:96, 0:96] / 95
NOISE = np.random.default_rng(0).integers(0, 40, (96, 96, 3))
PHOTO = (np.stack([X, Y, (X + Y) / 2], axis=-1) * 200 + NOISE).astype(np.uint8)
"""Smooth and noisy, as photographs are."""

RAMP = np.linspace(0, 4095, 64).astype(np.uint16).reshape(8, 8)


def half(colour: int) -> np.ndarray:
    """The photograph with its lower half in one grey."""
    pixels = PHOTO.copy()
    pixels[48:] = colour
    return pixels


def zeros(data: bytes, share: float) -> bytes:
    """A file whose tail was never written."""
    kept = int(len(data) * share)
    return data[:kept] + bytes(len(data) - kept)


def tiff(values: np.ndarray, **tags: object) -> bytes:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        info[int(tag.removeprefix("tag"))] = value
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "TIFF", tiffinfo=info)
    return stream.getvalue()


def raw_tiff(values: np.ndarray, *, white_is_zero: bool = False, bits: int = 0) -> bytes:
    """A TIFF of these very bytes; Pillow writes no signed ones, and turns some over."""
    height, width = values.shape
    width_tag, sign = 8 * values.itemsize, 2 if values.dtype.kind == "i" else 1
    entries = [
        (256, 3, width), (257, 3, height), (258, 3, bits or width_tag), (259, 3, 1),
        (262, 3, not white_is_zero), (273, 4, 122), (278, 3, height), (279, 4, values.nbytes),
        (339, 3, sign),
    ]  # fmt: skip
    rows = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + rows + bytes(4)
    return head + values.tobytes()


def hot(values: np.ndarray, value: int = 65535) -> np.ndarray:
    values = values.copy()
    values[0, 0] = value
    return values


def chunky(kind: bytes, content: bytes) -> bytes:
    """A PNG of the grey value 77 with one more chunk."""
    data = png(77)
    chunk = struct.pack(">I", len(content)) + kind + content
    return data[:33] + chunk + struct.pack(">I", zlib.crc32(kind + content)) + data[33:]


JPEG, PROGRESSIVE = encoded(PHOTO, "JPEG"), encoded(PHOTO, "JPEG", progressive=True)
WEBP, BMP, TIFF, PPM = (encoded(PHOTO, kind) for kind in ("WEBP", "BMP", "TIFF", "PPM"))
PNG = encoded(PHOTO)
CUT = JPEG[: len(JPEG) // 2]
PREVIEW = b"\xff\xe1" + struct.pack(">H", len(encoded(PHOTO[:8, :8], "JPEG")) + 2) + encoded(
    PHOTO[:8, :8], "JPEG"
)  # fmt: skip


@dataclass(frozen=True)
class Odd:
    """A file; `found` is "", "dark", "short", or a part of the reason why it is broken."""

    name: str
    data: bytes
    found: str = ""
    top: int | None = None
    """Grey value of the first pixel, decoded at the file's size."""


STOPS = [
    Odd("a sound JPEG", JPEG),
    Odd("a sound progressive JPEG", PROGRESSIVE),
    Odd("a sound WebP", WEBP),
    Odd("a sound BMP", BMP),
    Odd("a sound TIFF", TIFF),
    Odd("a JPEG without an end marker", JPEG[:-2], "short"),
    Odd("a JPEG with half an end marker", JPEG[:-1], "short"),
    Odd("a progressive JPEG without an end marker", PROGRESSIVE[:-2], "short"),
    Odd("a JPEG with zeros in place of its end marker", JPEG[:-2] + bytes(200), "short"),
    Odd("a JPEG with zeros behind its end marker", JPEG + bytes(200)),
    Odd("a JPEG with a preview, no end marker", (JPEG[:2] + PREVIEW + JPEG[2:])[:-2], "short"),
    Odd("a JPEG with a preview", JPEG[:2] + PREVIEW + JPEG[2:]),
    Odd("half a JPEG and an end marker", CUT + b"\xff\xd9", "short"),
    Odd("half a JPEG, zeros and an end marker", CUT + bytes(1000) + b"\xff\xd9", "short"),
    Odd("half a JPEG", CUT, "image file is truncated"),
    Odd("a JPEG that lacks 50 bytes", JPEG[:-50], "image file is truncated"),
    Odd("a JPEG saved after its lower half was lost", encoded(half(128), "JPEG"), "short"),
    Odd("a WebP with a tail of zeros", zeros(WEBP, 0.6), "short"),
    Odd("a WebP with a short tail of zeros", zeros(WEBP, 0.9), "short"),
    Odd("a WebP whose lower half is flat", encoded(half(0), "WEBP", lossless=True), "short"),
    Odd("half a WebP", WEBP[: len(WEBP) // 2], "decoder"),
    Odd("a BMP with a tail of zeros", zeros(BMP, 0.6), "short"),
    Odd("a BMP with a tail of one byte", BMP[:20000] + b"\xff" * (len(BMP) - 20000), "short"),
    Odd("a BMP whose lower half is flat", encoded(half(255), "BMP")),
    Odd("a TIFF with a tail of zeros", zeros(TIFF, 0.6), "short"),
    Odd("a TIFF with a short tail of zeros", zeros(TIFF, 0.9), "short"),
    Odd("a PPM with a tail of zeros", zeros(PPM, 0.6), "short"),
    Odd("a PNG with a tail of zeros", zeros(PNG, 0.6), "short"),
    Odd("a PNG without the last bytes of its end", PNG[:-2]),
    Odd("a PNG whose lower half is flat, a drawing", encoded(half(255))),
    Odd("a flat JPEG", encoded(np.full((96, 96, 3), 200, np.uint8), "JPEG")),
    Odd("a JPEG with bands of black", encoded(np.pad(PHOTO, ((24, 24), (0, 0), (0, 0))), "JPEG")),
]

DEPTHS = [
    Odd("16 bits", encoded(RAMP * 16), top=0),
    Odd("12 bits in 16", encoded(RAMP), "dark"),
    Odd("14 bits in 16", encoded(RAMP * 4), "dark"),
    Odd("12 bits in 16 with a hot pixel", encoded(hot(RAMP)), "dark", top=255),
    Odd("14 bits in 16 with a hot pixel", encoded(hot(RAMP * 4)), "dark", top=255),
    Odd("15 bits in 16", encoded(RAMP * 8)),
    Odd("12 bits in 16, a TIFF", tiff(hot(RAMP)), "dark", top=255),
    Odd("black, 8 bits", encoded(np.zeros((8, 8), np.uint8)), top=0),
    Odd("0 is white, 16 bits", tiff(RAMP * 16, tag262=0), top=255),
    Odd("0 is black, 16 bits", tiff(RAMP * 16, tag262=1), top=0),
    Odd("0 is white, 12 bits in 16: nearly white", tiff(RAMP, tag262=0), top=255),
    Odd("32 bits with values of 16", tiff(RAMP.astype(np.int32) * 16), top=0),
    Odd(
        "32 bits with values of 8 and a hot pixel",
        tiff(hot(RAMP.astype(np.int32) // 32, 60_000)),
        "values up to 12",
    ),
    Odd("more than 16 bits", tiff(RAMP.astype(np.int32) * 99), "more than 16 bits (values up to"),
    Odd("signed 16 bits", raw_tiff(RAMP.astype(np.int16) - 5), "signed, from -5 to 4090"),
    Odd("signed 16 bits, none negative", raw_tiff(RAMP.astype(np.int16)), "dark"),
    Odd("floating-point", tiff(np.ones((8, 8), np.float32)), "floating-point pixels"),
]

KINDS = [
    Odd("a colour profile of 3 MB", chunky(b"iCCP", b"big\0\0" + zlib.compress(bytes(3 << 20)))),
    Odd("a text of 3 MB", chunky(b"zTXt", b"text\0\0" + zlib.compress(bytes(3 << 20)))),
    Odd("a plain text of 3 MB", chunky(b"tEXt", b"text\0" + b"a" * (3 << 20))),
    Odd("a text that unpacks to 99 MB", chunky(b"zTXt", b"t\0\0" + zlib.compress(bytes(99 << 20))),
        "Decompressed data too large"),
    Odd("64 bits in a TIFF", raw_tiff(RAMP, bits=64), "a kind of TIFF that cannot be read"),
    Odd("a page", b"<!DOCTYPE html><html>Not found</html>", "an HTML page, not an image"),
    Odd("an empty file", b"", "an empty file"),
    Odd("a GIF that ends in its header", b"GIF89a", "its GIF header is broken"),
    Odd("HEIC", b"\0\0\0\x18ftypheic" + bytes(50), "(it is heic)"),
    Odd("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50), "(it is JPEG2000)"),
    Odd("Photoshop", b"8BPS" + bytes(50), "(it is PSD)"),
]  # fmt: skip


def decoded(*data: bytes) -> tuple[np.ndarray, list[str], Oddities]:
    """Images among 20 sound ones, the reasons why some are broken, and what is odd."""
    images = [(f"sound {i}", JPEG) for i in range(20)] + [(str(i), d) for i, d in enumerate(data)]
    size = Image.open(io.BytesIO(data[0])).width if len(data) == 1 and _opens(data[0]) else 32
    odd = Oddities()
    pixels, broken = decode_images(images, len(images), size, what="", oddities=odd)
    return pixels[20:], [one.reason for one in broken], odd


def _opens(data: bytes) -> bool:
    try:
        Image.open(io.BytesIO(data))
    except Exception:
        return False
    return True


@pytest.mark.parametrize("odd", [*STOPS, *DEPTHS, *KINDS], ids=lambda odd: odd.name)
def test_odd_images_are_told_from_sound_ones(odd: Odd) -> None:
    pixels, broken, found = decoded(odd.data)
    if odd.found in ("", "dark", "short"):
        assert not broken
        assert found == Oddities(["0"] * (odd.found == "dark"), ["0"] * (odd.found == "short"))
        assert odd.top is None or pixels[0, 0, 0].tolist() == [odd.top] * 3
    else:
        assert len(broken) == 1
        assert odd.found.lower() in broken[0].lower()  # Pillow changed its capitals
        assert found == Oddities()


def test_white_is_zero_is_the_same_image_with_8_and_16_bits() -> None:
    grey = PHOTO[..., 0]
    (eight, sixteen), broken, _ = decoded(
        raw_tiff(grey, white_is_zero=True),
        raw_tiff(grey.astype(np.uint16) * 257, white_is_zero=True),
    )
    assert not broken
    assert np.array_equal(eight, sixteen)
    assert eight[0, 0, 0] > 200  # the photograph is dark there


def test_images_that_mostly_end_in_one_colour_are_made_that_way() -> None:
    flat = encoded(half(255), "JPEG")
    assert decoded(flat, flat)[2].short == ["0", "1"]
    assert decoded(*[flat] * 15)[2].short == []
    assert len(decoded(*[JPEG[:-2]] * 15)[2].short) == 15, "these lack their end"


def test_limits_of_pillow_are_as_before_afterwards() -> None:
    before = PngImagePlugin.MAX_TEXT_CHUNK
    decoded(KINDS[0].data)
    assert before == PngImagePlugin.MAX_TEXT_CHUNK


@pytest.mark.parametrize(
    ("sides", "image_size", "said"),
    [
        ([260, 200], 32, "shorter side has 200 pixels (the median) are read at 32: set image_size"),
        ([128, 128, 31], 32, "has 128 pixels"),
        ([127, 127, 500], 32, ""),
        ([200], 51, ""),
        ([500], 64, ""),
        ([], 32, ""),
    ],
)
def test_photographs_at_a_small_part_of_their_size_are_told(
    tmp_path: Path, sides: list[int], image_size: int, said: str
) -> None:
    notes = small_note(Counter(sides), image_size)
    assert len(notes) == bool(said)
    assert said in "".join(notes)
    for number, side in enumerate(sides):
        for name in ("cat", "dog"):
            place = tmp_path / "images" / name
            place.mkdir(parents=True, exist_ok=True)
            pixels = np.full((side, side + 60, 3), 40 * number + len(name), np.uint8)
            for copy in "ab":
                Image.fromarray(pixels).save(place / f"{number}{copy}.jpg")
    if sides:
        options = {"image_size": image_size, "data_dir": tmp_path / "cache"}
        for _ in range(2):  # decoded, and from the decoded copy
            data = load_dataset(tmp_path / "images", **options)
            found = [note for note in data.understood.notes if "the median" in note]
            assert found == notes


def test_the_notes_have_numbers_and_a_way_out() -> None:
    assert oddity_notices(Oddities()) == []
    dark, short = oddity_notices(Oddities(["a"], ["b", "c"]))
    assert dark.startswith("1 16-bit image uses less than a quarter of the range")
    assert dark.endswith("rescale it, such as a")
    assert short.startswith("2 images seem to stop early: their files lack their end")
    assert short.endswith("look at them, such as b, c")
